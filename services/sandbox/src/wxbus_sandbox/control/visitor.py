"""A simulated user of a Mini Program: logs in, shares data, calls services and chats by a socket."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from wxbus.errors import WxbusError
from wxbus_sandbox.control.client import SandboxClient

SUBPROTOCOL: Final = "wxbus"


class NoGateway(WxbusError):
    """The gateway does not answer, or ended a socket; the text says why."""


class GatewayRefusal(WxbusError):
    """The gateway refuses a call; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the gateway."""

    status: int
    challenge: str
    """Scheme of `WWW-Authenticate`: the step that is missing; "" without one."""
    body: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """Return the answer in one line: the result, or the status and why the call was refused."""
        if self.status == 200:
            result = self.body.get("result")
            return str(result["text"]) if isinstance(result, dict) and "text" in result else str(result)
        found = " ".join(filter(None, (str(self.status), self.challenge)))
        return f"{found}: {self.body.get('title')}"


@dataclass
class Visitor:
    """A user in the Mini Program `account`. All methods raise NoGateway, or SandboxFailure."""

    http: aiohttp.ClientSession
    sandbox: SandboxClient
    gateway_url: str
    account: str
    openid: str
    session: dict[str, Any] = field(default_factory=dict, repr=False)
    """The session in the last answer, with its token; empty before the login."""
    position: str = ""
    """Of the last push that arrived."""

    async def call(self, path: str, body: Mapping[str, object]) -> Answer:
        """Call `service/method`, or an action such as `session`."""
        headers = {"Authorization": f"Bearer {self.session['token']}"} if self.session else {}
        try:
            async with self.http.post(self._url(path), json=body, headers=headers) as response:
                found = await response.json(content_type=None)
        except (aiohttp.ClientError, ValueError) as exc:
            raise NoGateway(
                f"{self.gateway_url} does not answer as a gateway does: {type(exc).__name__}: {exc}"
            ) from exc
        answer = Answer(
            response.status,
            response.headers.get("WWW-Authenticate", "").partition(" ")[0],
            found if isinstance(found, dict) else {},
        )
        self.session = answer.body.get("session") or self.session
        return answer

    async def log_in(self) -> Answer:
        """Log in with a code of `wx.login`."""
        return await self.call("login", {"code": await self.sandbox.js_code(self.account, openid=self.openid)})

    async def share_phone(self, number: str) -> Answer:
        """Share a phone number, as the button `getPhoneNumber` does; after the login."""
        shared = await self.sandbox.user_data(self.account, openid=self.openid, phone=number)
        return await self.call("phone", {"code": shared.phone["code"]})

    async def share_profile(self) -> Answer:
        """Share the profile, encrypted with the session key of the last login."""
        shared = await self.sandbox.user_data(self.account, openid=self.openid)
        return await self.call("user-info", shared.user_info)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["VisitorSocket"]:
        """Open a socket, which continues after the last push that arrived."""
        query = {"last": self.position} if self.position else {}
        protocols = (SUBPROTOCOL, f"token.{self.session.get('token', '')}")
        try:
            async with self.http.ws_connect(self._url("socket"), params=query, protocols=protocols) as ws:
                yield VisitorSocket(self, ws)
        except aiohttp.ClientError as exc:
            raise NoGateway(f"the socket to {self.gateway_url} failed: {type(exc).__name__}: {exc}") from exc

    def _url(self, path: str) -> str:
        return f"{self.gateway_url.rstrip('/')}/{self.account}/{path}"


class VisitorSocket:
    """An open socket."""

    def __init__(self, visitor: Visitor, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Created by `Visitor.socket`."""
        self._visitor = visitor
        self._ws = ws
        self._pushes: deque[dict[str, Any]] = deque()

    async def send(self, message_id: str, name: str, body: Mapping[str, object]) -> None:
        """Send a message, and return when it is stored."""
        await self._ws.send_json({"id": message_id, "name": name, "body": body})
        while (frame := await self._frame()).get("ack") != message_id:
            if "name" in frame:
                self._pushes.append(frame)

    async def push(self) -> tuple[str, dict[str, Any]]:
        """Return name and body of the next push."""
        while not self._pushes:
            if "name" in (frame := await self._frame()):
                self._pushes.append(frame)
        found = self._pushes.popleft()
        self._visitor.position = found["position"]
        return found["name"], found["body"]

    async def _frame(self) -> dict[str, Any]:
        message = await self._ws.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise NoGateway(f"the gateway closed the socket with code {self._ws.close_code}: {message.extra or ''}")
        frame: dict[str, Any] = message.json()
        if hello := frame.get("hello"):
            self._visitor.position = hello["position"]
        return frame
