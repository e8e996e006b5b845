"""A typed client of the control API, for tests, demos and the command line."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import aiohttp
from pydantic import BaseModel, TypeAdapter

from wxbus.errors import WxbusError
from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.models import (
    AdvanceRequest,
    AuthorizerRequest,
    Fault,
    Invalidation,
    LoginRequest,
    PlatformRequest,
    PlatformResult,
    SendRequest,
    SendResult,
    Sent,
    TokenCounts,
    VerifyRequest,
    VerifyResult,
)

SENT = TypeAdapter(list[Sent])
PUSHES = TypeAdapter(list[SendResult])
COUNTS = TypeAdapter(dict[str, TokenCounts])
STARTED = TypeAdapter(dict[str, int])
OPENID = "oSandboxUser0000000000000001"

Family: TypeAlias = Literal["classic", "stable", "wecom", "component", "authorizer"]


class SandboxFailure(WxbusError):
    """The sandbox is not there, or refuses a request; the text says why."""


class SandboxClient:
    """Plays WeChat: acts as its users, looks at what reached them, breaks things.

    Every method raises:
        SandboxFailure: The sandbox does not answer, or refuses.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url.rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["SandboxClient"]:
        """Yield a client of the sandbox at `url`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=5)) as session:
            yield cls(session, url)

    async def send(self, request: SendRequest) -> SendResult:
        """Let a user do something; return what became of the push."""
        return SendResult.model_validate_json(await self._post("/sandbox/send", request))

    async def text(
        self,
        account: str,
        content: str,
        *,
        openid: str = OPENID,
        mode: Mode | None = None,
        format: Literal["xml", "json"] | None = None,  # noqa: A002 - WeChat's word, and the API's
        copies: int = 1,
        authorizer_appid: str | None = None,
    ) -> SendResult:
        """Let a user write a text."""
        return await self.send(
            SendRequest(
                account=account,
                authorizer_appid=authorizer_appid,
                openid=openid,
                fields={"Content": content},
                mode=mode,
                format=format,
                copies=copies,
            )
        )

    async def event(
        self, account: str, event: str, *, openid: str = OPENID, fields: Mapping[str, Any] | None = None
    ) -> SendResult:
        """Let an event of a user happen; `fields` by WeChat's names."""
        return await self.send(SendRequest(account=account, openid=openid, event=event, fields=dict(fields or {})))

    async def sent(
        self,
        *,
        account: str | None = None,
        openid: str | None = None,
        since: float = 0.0,
        count: int = 1,
        wait: float = 0.0,
    ) -> list[Sent]:
        """Return the customer-service messages that users got, oldest first.

        Args:
            account: Only those of this account.
            openid: Only those to this user.
            since: Only those from this time on, on the sandbox's clock.
            count: How many to wait for.
            wait: Seconds to wait for them, at most 60; with fewer of them then, what there is.
        """
        query = {"since": repr(since), "count": str(count), "wait": repr(wait)}
        query |= {"account": account} if account else {}
        query |= {"openid": openid} if openid else {}
        return SENT.validate_json(await self._call("GET", "/sandbox/sent", query=query))

    async def pushes(self, *, account: str | None = None, openid: str | None = None) -> list[SendResult]:
        """Return the pushes made, oldest first."""
        query = ({"account": account} if account else {}) | ({"openid": openid} if openid else {})
        return PUSHES.validate_json(await self._call("GET", "/sandbox/pushes", query=query))

    async def fault(self, fault: Fault) -> None:
        """Let the next calls of a path fail."""
        await self._post("/sandbox/faults", fault)

    async def invalidate_tokens(self, appid: str, *, family: Family | None = None, stuck: bool = False) -> None:
        """Make an account's tokens invalid; `stuck`: the stable call goes on giving the dead one until forced."""
        await self._post("/sandbox/tokens/invalidate", Invalidation(appid=appid, family=family, stuck=stuck))

    async def component_ticket(self, account: str, *, push: bool = True) -> PlatformResult:
        """Let WeChat make a component_verify_ticket for a third-party platform, and push it."""
        return await self._platform("ticket", PlatformRequest(account=account, push=push))

    async def authorize(self, account: str, authorizer_appid: str, *, push: bool = True) -> PlatformResult:
        """Let an account authorise a third-party platform; the result's value is the authorisation code."""
        wanted = AuthorizerRequest(account=account, authorizer_appid=authorizer_appid, push=push)
        return await self._platform("authorize", wanted)

    async def unauthorize(self, account: str, authorizer_appid: str, *, push: bool = True) -> PlatformResult:
        """Let an account withdraw its authorisation."""
        wanted = AuthorizerRequest(account=account, authorizer_appid=authorizer_appid, push=push)
        return await self._platform("unauthorize", wanted)

    async def pushes_started(self) -> dict[str, int]:
        """Return how often each third-party platform asked for tickets to be pushed, by appid."""
        return STARTED.validate_json(await self._call("GET", "/sandbox/component/pushes_started"))

    async def token_counts(self) -> dict[str, TokenCounts]:
        """Return how often tokens were fetched, by appid."""
        return COUNTS.validate_json(await self._call("GET", "/sandbox/tokens"))

    async def js_code(self, account: str, *, openid: str = OPENID) -> str:
        """Return the code that a Mini Program's page would get for a user."""
        answer = await self._post("/sandbox/login", LoginRequest(account=account, openid=openid))
        return TypeAdapter(dict[str, str]).validate_json(answer)["js_code"]

    async def verify(self, account: str) -> VerifyResult:
        """Return whether WeChat's console would accept the account's address."""
        return VerifyResult.model_validate_json(await self._post("/sandbox/verify", VerifyRequest(account=account)))

    async def advance(self, seconds: float) -> None:
        """Put the sandbox's clock forward: tokens expire, windows close."""
        await self._post("/sandbox/clock", AdvanceRequest(advance=seconds))

    async def reset(self) -> None:
        """Let the sandbox forget everything: all tokens are refused from now on."""
        await self._call("POST", "/sandbox/reset")

    async def _platform(self, what: str, wanted: PlatformRequest) -> PlatformResult:
        return PlatformResult.model_validate_json(await self._post(f"/sandbox/component/{what}", wanted))

    async def _post(self, path: str, body: BaseModel) -> bytes:
        return await self._call("POST", path, body=body.model_dump_json().encode())

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> bytes:
        try:
            async with self._session.request(method, self.url + path, params=query, data=body) as response:
                answer = await response.read()
        except (aiohttp.ClientError, OSError) as exc:  # a time-out is an OSError too
            raise SandboxFailure(f"the sandbox at {self.url} does not answer: {exc}") from exc
        if response.status != 200:
            raise SandboxFailure(_refusal(path, response.status, answer))
        return answer


def _refusal(path: str, status: int, answer: bytes) -> str:
    """Return the text of a refusal, without the JSON around it."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{path}: {status} {answer.decode('utf-8', 'replace')}"
