"""A typed client of the control API, for tests, demos and the command line."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter

from wxbus.conversations import USER
from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.control.platform_client import PlatformControl
from wxbus_sandbox.control.requests import (
    AdvanceRequest,
    CommentRequest,
    Invalidation,
    LoginRequest,
    PlayResult,
    ReplayRequest,
    TokenCounts,
    UserDataRequest,
    UserDataResult,
    VerifyRequest,
)
from wxbus_sandbox.load.report import LoadReport, LoadRequest
from wxbus_sandbox.models import (
    BadDay,
    BadDayState,
    Fault,
    SendRequest,
    SendResult,
    Sent,
    VerifyResult,
)

SENT = TypeAdapter(list[Sent])
PUSHES = TypeAdapter(list[SendResult])
COUNTS = TypeAdapter(dict[str, TokenCounts])

Family: TypeAlias = Literal["classic", "stable", "wecom", "component", "authorizer"]


class SandboxClient(PlatformControl):
    """Acts as WeChat and its users, returns what they received, and injects faults.

    All methods raise `SandboxFailure` if the sandbox does not answer or rejects the request.
    """

    async def send(self, request: SendRequest) -> SendResult:
        """Push a user's action and return the result."""
        return SendResult.model_validate_json(await self._post("/sandbox/send", request))

    async def replay(self, push: str, *, anew: bool = False) -> SendResult:
        """Repeat a push by its number or MsgId: as it was, or `anew` with the same content; return the result."""
        return SendResult.model_validate_json(await self._post("/sandbox/replay", ReplayRequest(id=push, anew=anew)))

    async def export_conversation(self, account: str, *, openids: Sequence[str] = (), since: float = 0.0) -> str:
        """Return the conversation of users of an account, by default of all, as TOML (decision 0051)."""
        query = [("account", account), ("since", repr(since)), *(("openid", openid) for openid in openids)]
        return (await self._call("GET", "/sandbox/conversation", query=query)).decode()

    async def play_conversation(self, conversation: str, *, account: str = "", wait: float = 5.0) -> PlayResult:
        """Play a conversation in TOML; return the replies to each turn, and what is not as expected.

        Args:
            conversation: The text of the file.
            account: The account, if not that of the file.
            wait: Seconds to wait for the replies to each turn.
        """
        query = {"account": account, "wait": repr(wait)}
        answer = await self._call("POST", "/sandbox/conversation", query=query, body=conversation.encode())
        return PlayResult.model_validate_json(answer)

    async def load(self, request: LoadRequest) -> AsyncGenerator[LoadReport]:
        """Run a load, and yield a report twice a second; the last one is `done`."""
        async for line in self._lines("POST", "/sandbox/load", body=request.model_dump_json().encode()):
            yield LoadReport.model_validate_json(line)

    async def events(self, *, last: int = 0) -> AsyncGenerator[str]:
        """Yield the lines of the stream of pushes, replies and calls, after `last` past ones of each kind."""
        async for line in self._lines("GET", "/sandbox/events", query={"last": str(last)}):
            yield line.decode()

    async def text(
        self,
        account: str,
        content: str,
        *,
        openid: str = USER,
        mode: Mode | None = None,
        format: Literal["xml", "json"] | None = None,  # noqa: A002 - the name in the API
        copies: int = 1,
        authorizer_appid: str | None = None,
    ) -> SendResult:
        """Push a user's text."""
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
        self, account: str, event: str, *, openid: str = USER, fields: Mapping[str, Any] | None = None
    ) -> SendResult:
        """Push a user's event, with `fields` by WeChat's names."""
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
        """Return the customer-service messages that users received, oldest first.

        Args:
            account: Only those of this account.
            openid: Only those to this user.
            since: Only those from this time on, by the sandbox's clock.
            count: The number of messages to wait for.
            wait: Seconds to wait for them, at most 60; then fewer messages are returned.
        """
        query = {"since": repr(since), "count": str(count), "wait": repr(wait)}
        query |= {"account": account} if account else {}
        query |= {"openid": openid} if openid else {}
        return SENT.validate_json(await self._call("GET", "/sandbox/sent", query=query))

    async def pushes(
        self,
        *,
        account: str | None = None,
        openid: str | None = None,
        event: str | None = None,
        count: int = 1,
        wait: float = 0.0,
    ) -> list[SendResult]:
        """Return all pushes, oldest first.

        Args:
            account: Only those of this account.
            openid: Only those of this user.
            event: Only those with this `Event` or `InfoType`.
            count: The number of pushes to wait for.
            wait: Seconds to wait for them, at most 60; then fewer pushes are returned.
        """
        query = {"count": str(count), "wait": repr(wait)}
        query |= {"account": account} if account else {}
        query |= {"openid": openid} if openid else {}
        query |= {"event": event} if event else {}
        return PUSHES.validate_json(await self._call("GET", "/sandbox/pushes", query=query))

    async def comment(self, account: str, msg_data_id: str, content: str, *, index: int = 0, openid: str = USER) -> str:
        """Let a user comment on an article whose comments are open; return the id of the comment."""
        body = CommentRequest(account=account, msg_data_id=msg_data_id, index=index, openid=openid, content=content)
        return str(json.loads(await self._post("/sandbox/comments", body))["comment_id"])

    async def fault(self, fault: Fault) -> None:
        """Inject a fault into the next calls of a path."""
        await self._post("/sandbox/faults", fault)

    async def begin_bad_day(self, day: BadDay) -> BadDayState:
        """Begin a bad day of WeChat; return its state."""
        body = day.model_dump_json().encode()
        return BadDayState.model_validate_json(await self._call("PUT", "/sandbox/bad_day", body=body))

    async def bad_day(self) -> BadDayState:
        """Return the troubles, and how often each has happened."""
        return BadDayState.model_validate_json(await self._call("GET", "/sandbox/bad_day"))

    async def end_bad_day(self) -> BadDayState:
        """End the bad day; return what happened on it."""
        return BadDayState.model_validate_json(await self._call("DELETE", "/sandbox/bad_day"))

    async def invalidate_tokens(self, appid: str, *, family: Family | None = None, stuck: bool = False) -> None:
        """Invalidate the tokens of an account, by appid or name; with `stuck` they are issued again until forced."""
        await self._post("/sandbox/tokens/invalidate", Invalidation(appid=appid, family=family, stuck=stuck))

    async def token_counts(self) -> dict[str, TokenCounts]:
        """Return the token fetches by appid."""
        return COUNTS.validate_json(await self._call("GET", "/sandbox/tokens"))

    async def js_code(self, account: str, *, openid: str = USER, appid: str | None = None) -> str:
        """Return a login code for a user, of the account or of the authorizer `appid` of a platform."""
        answer = await self._post("/sandbox/login", LoginRequest(account=account, openid=openid, appid=appid))
        return TypeAdapter(dict[str, str]).validate_json(answer)["js_code"]

    async def user_data(self, account: str, *, openid: str = USER, phone: str = "13800138000") -> UserDataResult:
        """Return the data that a page receives when a user shares the profile and the phone number."""
        body = UserDataRequest(account=account, openid=openid, phone=phone)
        return UserDataResult.model_validate_json(await self._post("/sandbox/user_data", body))

    async def renew_session_key(self, account: str, *, openid: str = USER) -> None:
        """Replace the session key of a user."""
        await self._post("/sandbox/session_key", LoginRequest(account=account, openid=openid))

    async def gateway_url(self) -> str | None:
        """Return the address of the gateway, None if the sandbox does not know one."""
        gateway: str | None = json.loads(await self._call("GET", "/sandbox/about"))["gateway"]
        return gateway

    async def verify(self, account: str) -> VerifyResult:
        """Return whether WeChat's console would accept the account's address."""
        return VerifyResult.model_validate_json(await self._post("/sandbox/verify", VerifyRequest(account=account)))

    async def advance(self, seconds: float) -> None:
        """Advance the sandbox's clock, which tokens and windows use."""
        await self._post("/sandbox/clock", AdvanceRequest(advance=seconds))

    async def reset(self) -> None:
        """Clear all state, so that issued tokens are rejected."""
        await self._call("POST", "/sandbox/reset")
