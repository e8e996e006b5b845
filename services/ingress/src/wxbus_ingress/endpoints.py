"""The accounts, each made ready to receive: keys derived and counters found once, not for every callback."""

from dataclasses import dataclass

from prometheus_client import Counter

from wxbus.accounts import Account, AccountKind, Accounts
from wxbus.errors import ConfigurationError, Forbidden, UnknownAccount
from wxbus.wechat.callback import CallbackQuery, Opened, Receiver
from wxbus_ingress.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One account's callback address."""

    account: Account
    receiver: Receiver
    max_age: float | None
    has_keys: bool
    accepted: Counter
    verified: Counter

    def open(self, query: CallbackQuery, body: bytes, now: float) -> Opened:
        """Return what a POST holds, proven to be WeChat's; raises as `Receiver.open` does."""
        self._check_keys()
        return self.receiver.open(query, body, now=now, max_age=self.max_age)

    def verify_url(self, query: CallbackQuery, now: float) -> str:
        """Return the body that answers a URL verification; raises as `Receiver.verify_url` does."""
        self._check_keys()
        return self.receiver.verify_url(query, now=now, max_age=self.max_age)

    def _check_keys(self) -> None:
        if not self.has_keys:
            raise Forbidden("the account has no token in the accounts file")


class Endpoints:
    """All endpoints, found by the account's name."""

    def __init__(self, accounts: Accounts, metrics: Metrics, *, max_age: float | None) -> None:
        """Make every account ready, or raise ConfigurationError for the one whose keys cannot be used."""
        self._by_name = {account.name: _endpoint(account, metrics, max_age) for account in accounts}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def named(self, name: str) -> Endpoint:
        """Return the endpoint of the account called `name`, or raise UnknownAccount."""
        if endpoint := self._by_name.get(name):
            return endpoint
        raise UnknownAccount("there is no account of this name")


def _endpoint(account: Account, metrics: Metrics, max_age: float | None) -> Endpoint:
    try:
        receiver = Receiver(
            account.keys, account.appid, account.modes, account.formats, wecom=account.kind is AccountKind.WECOM
        )
    except ValueError as exc:
        raise ConfigurationError(f"account {account.name}: {exc}") from exc
    return Endpoint(
        account,
        receiver,
        max_age,
        has_keys=bool(account.keys),
        accepted=metrics.requests.labels(account.name, "accepted"),
        verified=metrics.requests.labels(account.name, "verified"),
    )
