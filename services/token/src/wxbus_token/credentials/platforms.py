"""Third-party platforms: their tickets, and the accounts that have authorised them (protocol reference 8.3).

What an account's tokens are fetched with is written before anything else is done with it, by a script that never puts
an older one in place of a newer. What is lost all the same (we ended between WeChat's answer and our write; Redis
forgot it) WeChat tells again: for one account when its token is fetched, for all by `recover`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.aio.background import repeat
from wxbus.aio.singleflight import SingleFlight
from wxbus.api import component
from wxbus.api.calls import NO_RETRIES, Calls
from wxbus.api.component import Authorization
from wxbus.api.credentials import FetchedToken
from wxbus.errcodes import Policy
from wxbus.errors import RpcFailure, WeChatError, WxbusError
from wxbus.store.store import Store
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.failures import failure_of
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.kinds import (
    ACCESS_TOKEN,
    AUTHORIZER_ACCESS_TOKEN,
    COMPONENT_ACCESS_TOKEN,
    Sources,
    authorizer_credentials,
    digest_of,
)

T = TypeVar("T")

log = structlog.get_logger("wxbus.token")

CODE_SECONDS: Final = 24 * 3600
"""For so long it is remembered what an authorisation code was exchanged for: WeChat does that once."""
BAD_CODE: Final = frozenset({61009, 61010})
LOOK: Final = 60.0
"""Seconds between two looks whether Redis has the list of authorisers."""
WHOLE: Final = "*"
"""Stands in the list beside the appids: it has all of them."""


@dataclass(frozen=True, slots=True)
class Authorizer:
    """An account that has authorised a platform."""

    appid: str
    authorized_at: int
    """Seconds since the epoch."""
    permissions: tuple[int, ...]


class Platforms:
    """All third-party platforms among the accounts."""

    def __init__(
        self,
        store: Store,
        credential_store: CredentialStore,
        authority: Authority,
        sources: Sources,
        *,
        namespace: str,
        accounts: Callable[[], Accounts],
    ) -> None:
        """`accounts` returns the accounts as they are now."""
        self._store = store
        self._credential_store = credential_store
        self._authority = authority
        self._sources = sources
        self._namespace = namespace
        self._accounts = accounts
        self._exchanges: SingleFlight[tuple[str, str], Authorizer] = SingleFlight()
        """WeChat exchanges a code once: who leaves does not stop it."""

    async def manager(self, kind: str, appid: str) -> CredentialManager:
        """Return the keeper of a credential, of accounts that have authorised a platform too.

        Raises:
            UnknownAccount: There is no such account.
            StoreUnavailable: It is not known to this instance, and Redis does not answer.
        """
        # Who has a secret of its own beside the authorisation is served by that.
        of_authorizer = AUTHORIZER_ACCESS_TOKEN if kind == ACCESS_TOKEN else kind
        if manager := self._authority.find(kind, appid) or self._authority.find(of_authorizer, appid):
            return manager
        if platform := await self._credential_store.component_of(appid):
            self._authority.adopt(authorizer_credentials(platform, appid, self._sources))
            return self._authority.manager(of_authorizer, appid)
        return self._authority.manager(kind, appid)

    async def deliver_ticket(self, appid: str, ticket: str, *, at: int) -> bool:
        """Keep the platform's component_verify_ticket; False if a newer one is there."""
        credential = self._platform(appid).credential
        kept = await self._credential_store.supply(credential, ticket, at=at)
        log.info("token.ticket_delivered", appid=appid, kept=kept)
        return kept

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> Authorizer:
        """Return the account that an authorisation code stands for; its tokens can be had from now on.

        Args:
            appid: Of the platform.
            code: As WeChat gave it; the same one again has the same outcome.
            authorizer_appid: The account, if it is known: then a code that was used up without our noting it does no
                harm.

        Raises:
            RpcFailure: 422: the code is wrong, expired or used, or the account has withdrawn its authorisation.
            UnknownAccount: There is no such platform.
            TokenUnavailable: WeChat cannot be asked just now; TokenRefused if waiting does not help.
        """
        return await self._exchanges.do(
            (appid, digest_of(code)), lambda: self._authorize(appid, code, authorizer_appid)
        )

    async def _authorize(self, appid: str, code: str, authorizer_appid: str | None) -> Authorizer:
        self._platform(appid)
        noted = self._key(appid, f"code:{digest_of(code)}")
        if before := await self._store.command("GET", noted):
            if authorizer := (await self._listed(appid)).get(before.decode()):
                return authorizer
            raise RpcFailure(422, "The authorisation is withdrawn", detail="its code was used before")
        found = await self._exchanged(appid, code, authorizer_appid)
        authorizer = await self._take(appid, found, at=int(await self._store.now()))
        await self._store.command("SET", noted, authorizer.appid, "EX", CODE_SECONDS)
        log.info("token.authorized", appid=authorizer.appid, component=appid)
        return authorizer

    async def unauthorize(self, appid: str, authorizer_appid: str, *, at: int) -> bool:
        """Drop an account's tokens; False if it has authorised this platform anew since `at`, or another, or none."""
        self._platform(appid)
        (credential, *_) = authorizer_credentials(appid, authorizer_appid, self._sources)
        dropped = await self._credential_store.withdraw(credential, at=at, component=appid)
        if dropped:
            await self._store.command("HDEL", self._list(appid), authorizer_appid)
        log.info("token.unauthorized", appid=authorizer_appid, component=appid, dropped=dropped)
        return dropped

    async def authorizers(self, appid: str) -> list[Authorizer]:
        """Return the accounts that have authorised the platform."""
        self._platform(appid)
        return sorted((await self._listed(appid)).values(), key=lambda one: one.appid)

    async def pre_auth_code(self, appid: str) -> FetchedToken:
        """Return a new code for one page of authorisation: each visitor needs one of their own, so none is kept.

        Raises:
            UnknownAccount: There is no such platform.
            TokenUnavailable: WeChat cannot be asked just now; TokenRefused if waiting does not help.
        """
        try:
            return await self._call(
                appid, lambda token: component.create_pre_auth_code(self._sources.wechat, token, appid)
            )
        except WeChatError as exc:
            raise failure_of(exc, 0).error() from exc

    async def recover(self, appid: str) -> int:
        """Take from WeChat's list of authorisers those that we do not know; return how many.

        Raises:
            UnknownAccount: There is no such platform.
            TokenUnavailable: WeChat cannot be asked just now; TokenRefused if waiting does not help.
        """
        self._platform(appid)
        known, taken, offset, total = await self._listed(appid), 0, 0, 1
        try:
            while offset < total:
                page, total = await self._call(appid, self._page(appid, offset))
                for listed in page:
                    if listed.appid not in known:
                        found = Authorization(listed.appid, listed.refresh_token)
                        await self._take(appid, found, at=listed.authorized_at)
                        taken += 1
                offset += component.PAGE
        except WeChatError as exc:
            raise failure_of(exc, 0).error() from exc
        await self._store.command("HSET", self._list(appid), WHOLE, "")
        log.info("token.authorizers_recovered", component=appid, taken=taken)
        return taken

    async def run(self) -> None:
        """See to the list of authorisers, until cancelled: got again if Redis has lost it, sealed under today's key."""
        sealed: set[str] = set()
        await repeat(lambda: self._look_after_all(sealed), name="authorisers", pause=lambda: LOOK)

    async def _look_after_all(self, sealed: set[str]) -> None:
        for account in list(self._accounts()):
            if account.kind is AccountKind.COMPONENT and account.secret is not None:
                try:
                    await self._look_after(account.appid, sealed)
                except WxbusError as exc:
                    log.info("token.authorizers_not_seen_to", component=account.appid, reason=str(exc))

    async def _look_after(self, appid: str, sealed: set[str]) -> None:
        """Look at one platform; `sealed` has those that were sealed anew since this process, and its key, began."""
        if appid not in sealed:
            listed = await self._listed(appid)
            tokens = [authorizer_credentials(appid, authorizer, self._sources)[0] for authorizer in listed]
            count = await self._credential_store.seal_means_anew([self._platform(appid).credential, *tokens])
            log.info("token.sealed_anew", component=appid, count=count)
            sealed.add(appid)
        if not await self._store.command("HEXISTS", self._list(appid), WHOLE):
            await self.recover(appid)

    async def _exchanged(self, appid: str, code: str, authorizer_appid: str | None) -> Authorization:
        wechat = self._sources.wechat
        try:
            try:
                return await self._call(appid, lambda token: component.query_auth(wechat, token, appid, code))
            except WeChatError as exc:
                if exc.errcode not in BAD_CODE or authorizer_appid is None:
                    raise
            # Exchanged before, perhaps, without our hearing the answer.
            return await self._call(
                appid, lambda token: component.authorizer_info(wechat, token, appid, authorizer_appid)
            )
        except WeChatError as exc:
            if exc.errcode in BAD_CODE:
                raise RpcFailure(422, "The authorisation code is not valid", detail=str(exc)) from exc
            if exc.policy is Policy.REAUTH:
                raise RpcFailure(422, "The account has not authorised the platform", detail=str(exc)) from exc
            raise failure_of(exc, 0).error() from exc

    def _page(self, appid: str, offset: int) -> Callable[[str], Awaitable[tuple[list[component.Authorizer], int]]]:
        return lambda token: component.authorizer_list(self._sources.wechat, token, appid, offset)

    async def _take(self, appid: str, found: Authorization, *, at: int) -> Authorizer:
        (credential, *_) = authorizer_credentials(appid, found.appid, self._sources)
        authorizer = Authorizer(found.appid, at, found.permissions)
        await self._credential_store.supply(credential, found.refresh_token, at=at, component=appid)
        # Only now: whoever finds it listed finds what its tokens are fetched with.
        entry = json.dumps({"authorized_at": at, "permissions": found.permissions})
        await self._store.command("HSET", self._list(appid), found.appid, entry)
        return authorizer

    async def _listed(self, appid: str) -> dict[str, Authorizer]:
        found: Mapping[bytes, bytes] = await self._store.command("HGETALL", self._list(appid))
        entries = {name.decode(): entry for name, entry in found.items()}
        return {name: _authorizer(name, entry) for name, entry in entries.items() if name != WHOLE}

    async def _call(self, appid: str, call: Callable[[str], Awaitable[T]]) -> T:
        return await Calls(appid, self._authority.source(COMPONENT_ACCESS_TOKEN)).with_token(call, NO_RETRIES)

    def _platform(self, appid: str) -> CredentialManager:
        return self._authority.manager(COMPONENT_ACCESS_TOKEN, appid)

    def _list(self, appid: str) -> str:
        return self._key(appid, "authorizers")

    def _key(self, appid: str, what: str) -> str:
        return f"{self._namespace}:token:{{component:{appid}}}:{what}"


def _authorizer(appid: str, entry: bytes) -> Authorizer:
    found = json.loads(entry)
    return Authorizer(appid, found["authorized_at"], tuple(found["permissions"]))
