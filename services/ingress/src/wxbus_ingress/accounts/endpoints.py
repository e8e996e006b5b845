"""The callback addresses of all accounts, with derived keys and counters, so that a callback only looks them up."""

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
    """For an authorizer, it has the keys of the platform."""
    max_age: float | None
    repeat_age: float
    has_keys: bool
    of_platform: bool
    """Whether the address is that of a third-party platform or of one of its authorizers."""
    plain_signatures: ReplayGuard
    accepted: Counter
    verified: Counter

    def open(self, query: CallbackQuery, body: bytes, now: float) -> VerifiedCallback:
        """Return the verified and decrypted content of a POST to this address; raises as `CallbackCrypto.open` does."""
        self._check_keys()
        opened = self.crypto.open(query, body, now=now, max_age=self.max_age, repeat_age=self.repeat_age)
        if self.of_platform:
            self._check_address(opened.document)
        if opened.mode is Mode.PLAIN:
            self.plain_signatures.bind(query.signature, dedup_id(self.account.appid, opened.document))
        return opened

    def verify_url(self, query: CallbackQuery, now: float) -> str:
        """Return the response to a URL verification; raises as `CallbackCrypto.verify_url` does."""
        self._check_keys()
        return self.crypto.verify_url(query, now=now, max_age=self.max_age)

    def _check_keys(self) -> None:
        if not self.has_keys:
            raise Forbidden("the account has no token in the accounts file")

    def _check_address(self, document: Document) -> None:
        # At the wrong address a callback would be handled under the wrong appid (protocol reference 6.3).
        if ("InfoType" in document) != (self.account.component is None):
            raise MalformedCallback(
                "a platform's authorisation events go to /wechat/PLATFORM, its accounts' messages to "
                "/wechat/PLATFORM/$APPID$"
            )


class Endpoints:
    """All endpoints by their path below `/wechat/`."""

    def __init__(self, accounts: Accounts, limits: Limits, metrics: Metrics) -> None:
        """Derive the keys of all accounts; raises ConfigurationError if the keys of an account are invalid."""
        self._metrics = metrics
        self._plain_signatures = ReplayGuard()
        self._limits = limits
        self._accounts = accounts
        self._by_path = self._build(accounts)

    def replace(self, accounts: Accounts) -> None:
        """Serve other accounts from now on; requests in progress keep their endpoint.

        Raises:
            ConfigurationError: The keys of an account are invalid; nothing is changed.
        """
        self._by_path = self._build(accounts)
        self._accounts = accounts

    def find(self, path: str) -> Endpoint:
        """Return the endpoint at `/wechat/{path}`; raises UnknownAccount."""
        return self._by_path.get(path) or self._unlisted(path)

    def account_name(self, path: str) -> str:
        """Return the name of the account at `/wechat/{path}`, or "" if there is none."""
        try:
            return self.find(path).account.name
        except UnknownAccount:
            return ""

    def _unlisted(self, path: str) -> Endpoint:
        """Return the endpoint of an authorizer that is not in the accounts file."""
        name, _, appid = path.partition("/")
        platform = self._by_path.get(name)
        if platform and re.fullmatch(APPID, appid):
            account = self._accounts.of(appid, via=name)
            if account.component == name:  # otherwise the file lists it without this platform
                return replace(platform, account=account)
        raise UnknownAccount("there is no account of this name")

    def _build(self, accounts: Accounts) -> dict[str, Endpoint]:
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
            plain_signatures=self._plain_signatures,
            accepted=self._metrics.requests.labels(account.name, "accepted"),
            verified=self._metrics.requests.labels(account.name, "verified"),
        )
