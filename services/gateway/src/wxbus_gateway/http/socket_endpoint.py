"""`GET /{account}/socket`: opens a WebSocket for a session.

The token is in `Authorization`, or in `Sec-WebSocket-Protocol` as `token.TOKEN` beside `wxbus`; never in the address,
which proxies log. `?last=` is the position of the last push that the client has.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import structlog
from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.errors import BrokerUnavailable, RpcFailure, Unavailable
from wxbus.rpc.auth.keys import bearer_credentials
from wxbus.rpc.codec import problems
from wxbus.rpc.service.stages import problem_answer
from wxbus.rpc.transports.http_messages import response_to
from wxbus.sockets.presence import Connection
from wxbus.sockets.pushes import Position
from wxbus_gateway.services.access import LOGIN
from wxbus_gateway.services.limits import CallLimit
from wxbus_gateway.sessions.session import Session
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.sessions.tokens import is_token
from wxbus_gateway.sockets.hub import SocketHub
from wxbus_gateway.sockets.protocol import MAX_FRAME, SUBPROTOCOL, TOKEN_PROTOCOL

PATH: Final = "/socket"
HEARTBEAT: Final = 30.0
"""Seconds between pings; a client that does not answer within half of this is disconnected."""

READY: Final = 5.0
"""Seconds that a new socket waits for RabbitMQ, which may be restarting."""

Ready: TypeAlias = Callable[[], Awaitable[None]]

log = structlog.stdlib.get_logger("wxbus.gateway")


class SocketEndpoint:
    """Opens sockets."""

    def __init__(self, hub: SocketHub, sessions: SessionStore, limit: CallLimit, *, ready: Ready) -> None:
        """`ready` returns when messages can be stored."""
        self._hub = hub
        self._ready = ready
        self._sessions = sessions
        self._limit = limit

    async def open(self, request: web.BaseRequest, account: Account, remote: str) -> web.StreamResponse:
        """Serve a socket until it ends, or return the response that refuses it; `remote` is the client's address."""
        try:
            await self._hub.check()
            session = await self._session(request, account, remote)
            last = _last(request)
            await self._until_ready()
            await self._hub.check()  # the gateway may have begun to stop meanwhile
        except (RpcFailure, Unavailable) as exc:
            failure = problems.to_public_failure(exc)
            if failure.status == 503:
                log.warning("gateway.socket_refused", reason=str(exc))
            headers = {"WWW-Authenticate": f'Bearer realm="{account.name}"'} if failure.status == 401 else {}
            return response_to(problem_answer(failure), **headers)
        ws = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MAX_FRAME, protocols=(SUBPROTOCOL,))
        if not ws.can_prepare(request):
            return response_to(problem_answer(RpcFailure(426, "Only WebSocket", detail="send an upgrade request")))
        await ws.prepare(request)
        connection = Connection(secrets.token_hex(16), account.name, account.appid, session.openid)
        try:
            await self._hub.serve(ws, connection, session.login, last)
        finally:
            if request.transport is not None and request.transport.get_write_buffer_size():
                request.transport.abort()  # else a client that never reads keeps connection and bytes for ever
        return ws

    async def _until_ready(self) -> None:
        """Return when messages can be stored; without this wait a connection would be opened and end at once."""
        try:
            async with asyncio.timeout(READY):
                await self._ready()
        except TimeoutError as exc:
            raise BrokerUnavailable(f"RabbitMQ has accepted no messages for {READY:g} s") from exc

    async def _session(self, request: web.BaseRequest, account: Account, remote: str) -> Session:
        token = bearer_credentials(request.headers.get("Authorization")) or _token_in_protocols(request)
        # The token is not replaced: a socket does not send the client a new token.
        session = await self._sessions.get(token) if token and is_token(token) else None
        if session is not None and session.appid != account.appid:
            session = None
        self._limit.take(session, remote)
        if session is None:
            raise LOGIN.failure
        return session


def _token_in_protocols(request: web.BaseRequest) -> str | None:
    offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return next((part.removeprefix(TOKEN_PROTOCOL) for part in offered if part.startswith(TOKEN_PROTOCOL)), None)


def _last(request: web.BaseRequest) -> Position | None:
    """Return the position of the last push that the client has; raises RpcFailure 400."""
    text = request.query.get("last")
    if not text:
        return None
    try:
        return Position.parse(text)
    except ValueError as exc:
        raise RpcFailure(400, "Malformed position", detail=f"last: {exc}") from exc
