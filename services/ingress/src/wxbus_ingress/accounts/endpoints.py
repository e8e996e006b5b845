"""The accounts, each made ready to receive: keys derived and counters found once, not for every callback."""

import re
from dataclasses import dataclass, replace

from prometheus_client import Counter

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import APPID, Account, AccountKind
from wxbus.errors import ConfigurationError, Forbidden, MalformedCallback, UnknownAccount
from wxbus.wechat.callbacks.crypto import CallbackCrypto, VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.documents.document import Document
from wxbus.wechat.messages.identity import dedup_id
from wxbus_ingress.accounts.replay_guard import ReplayGuard
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.settings import Limits


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One callback address: `NAME`, or `PLATFORM/APPID` for an account that authorised a third-party platform."""

    account: Account
    crypto: CallbackCrypto
    """With the platform's keys, for its authorisers."""
    max_age: float | None
    repeat_age: float
    has_keys: bool
    of_platform: bool
    """It belongs to a third-party platform: its own, or that of an authoriser."""
    plain: ReplayGuard
    """Those that came with plain messages."""
    accepted: Counter
    verified: Counter

    def open(self, query: CallbackQuery, body: bytes, now: float) -> VerifiedCallback:
        """Return the verified callback, which is for this address; raises what `CallbackCrypto.open` raises."""
        self._check_keys()
        opened = self.crypto.open(query, body, now=now, max_age=self.max_age, repeat_age=self.repeat_age)
        if self.of_platform:
            self._check_address(opened.document)
        if opened.mode is Mode.PLAIN:
            self.plain.bind(query.signature, dedup_id(self.account.appid, opened.document))
        return opened

    def verify_url(self, query: CallbackQuery, now: float) -> str:
        """Return the body that answers a URL verification; raises as `CallbackCrypto.verify_url` does."""
        self._check_keys()
        return self.crypto.verify_url(query, now=now, max_age=self.max_age)

    def _check_keys(self) -> None:
        if not self.has_keys:
            raise Forbidden("the account has no token in the accounts file")

    def _check_address(self, document: Document) -> None:
        # Taken at the other address it would be handled in the name of the wrong appid (protocol reference 6.3).
        if ("InfoType" in document) != (self.account.component is None):
            raise MalformedCallback(
                "a platform's authorisation events go to /wechat/PLATFORM, its accounts' messages to "
                "/wechat/PLATFORM/$APPID$"
            )


class Endpoints:
    """All endpoints, found by what stands behind `/wechat/` in their address."""

    def __init__(self, accounts: Accounts, limits: Limits, metrics: Metrics) -> None:
        """Make every account ready, or raise ConfigurationError for the one whose keys cannot be used."""
        self._metrics = metrics
        self._plain = ReplayGuard()
        self._limits = limits
        self._accounts = accounts
        self._by_place = self._ready(accounts)

    def replace(self, accounts: Accounts) -> None:
        """Serve other accounts from now on; what is being received goes on with the endpoint that it has.

        Raises:
            ConfigurationError: The keys of one cannot be used; everything stays as it is.
        """
        self._by_place = self._ready(accounts)
        self._accounts = accounts

    def at(self, place: str) -> Endpoint:
        """Return the endpoint at `/wechat/{place}`, or raise UnknownAccount."""
        return self._by_place.get(place) or self._unlisted(place)

    def label(self, place: str) -> str:
        """Return the account's name that a request at `/wechat/{place}` is counted under, "" for none."""
        try:
            return self.at(place).account.name
        except UnknownAccount:
            return ""

    def _unlisted(self, place: str) -> Endpoint:
        """Return the endpoint of an account that authorised a platform and is not in the file."""
        name, _, appid = place.partition("/")
        platform = self._by_place.get(name)
        if platform and re.fullmatch(APPID, appid):
            account = self._accounts.of(appid, via=name)
            if account.component == name:  # else it is an account of its own: no platform speaks for it
                return replace(platform, account=account)
        raise UnknownAccount("there is no account of this name")

    def _ready(self, accounts: Accounts) -> dict[str, Endpoint]:
        endpoints = {account.name: self._endpoint(account) for account in accounts}
        for account in accounts:
            if account.component is not None:
                platform = endpoints[account.component]
                endpoints[f"{account.component}/{account.appid}"] = replace(
                    endpoints[account.name], crypto=platform.crypto, has_keys=platform.has_keys
                )
        return endpoints

    def _endpoint(self, account: Account) -> Endpoint:
        try:
            crypto = CallbackCrypto(
                account.keys,
                account.effective_receive_id,
                account.modes,
                account.formats,
                wecom=account.kind is AccountKind.WECOM,
                provider=account.provider_corpid,
            )
        except ValueError as exc:
            raise ConfigurationError(f"account {account.name}: {exc}") from exc
        return Endpoint(
            account,
            crypto,
            self._limits.max_age or None,
            self._limits.repeat_age,
            has_keys=bool(account.keys),
            of_platform=account.kind is AccountKind.COMPONENT or account.component is not None,
            plain=self._plain,
            accepted=self._metrics.requests.labels(account.name, "accepted"),
            verified=self._metrics.requests.labels(account.name, "verified"),
        )
