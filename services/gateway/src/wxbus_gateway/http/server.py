"""The port of Mini Programs: calls are `POST /{account}/{service}/{method}`, and `POST /{account}/login` and the like.

All calls are POST, so that every client of `wx.request` can make them without a method override.
"""

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.api.client import WeChatClient
from wxbus.config.networks import Network
from wxbus.errors import RpcFailure, UnknownAccount
from wxbus.rpc.auth.keys import bearer_credentials
from wxbus.rpc.codec.compression import compress
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.server import Server
from wxbus.rpc.service.stages import problem_answer
from wxbus.rpc.transports.http_messages import fast_response_to, media_type, read_body, response_to
from wxbus.runtime.client_address import client_address
from wxbus.runtime.direct_request import AnyRequest, DirectRequest
from wxbus.runtime.direct_server import DirectServer
from wxbus_gateway.http.cors import Cors
from wxbus_gateway.http.description import Descriptions
from wxbus_gateway.http.envelope import wrap
from wxbus_gateway.http.paths import ACTIONS
from wxbus_gateway.http.socket_endpoint import PATH, SocketEndpoint
from wxbus_gateway.login.login import SERVICE
from wxbus_gateway.services.access import Challenge
from wxbus_gateway.services.idempotency import HEADER, IdempotencyKey
from wxbus_gateway.sessions.session import FoundSession

BODY_LIMIT: Final = 1024 * 1024
READ_TIMEOUT: Final = 10.0
"""Seconds for the body: mobile networks are slow."""
HINT: Final = (
    "calls are POST /{account}/{service}/{method}, or POST /{account}/login, logout, session, user-info, phone"
)

Clients = Callable[[Account], WeChatClient]


class HttpApi:
    """Turns HTTP requests into calls of the services, and their answers into responses."""

    def __init__(
        self,
        server: Server,
        accounts: Callable[[], Accounts],
        clients: Clients,
        sockets: SocketEndpoint,
        *,
        trusted_proxies: Sequence[Network] = (),
        cors: Cors,
    ) -> None:
        """`accounts` returns the current accounts; `clients` returns the client of WeChat's API for an account."""
        self._trusted_proxies = trusted_proxies
        self._cors = cors
        self._server = server
        self._accounts = accounts
        self._clients = clients
        self._sockets = sockets
        self._descriptions = Descriptions(server)

    def build(self) -> web.Server:
        """Return the HTTP server. A call is cancelled when its connection is lost."""
        return DirectServer(self._serve, body_limit=BODY_LIMIT, handler_cancellation=True, auto_decompress=False)

    async def _serve(self, request: AnyRequest) -> web.StreamResponse:
        response = self._cors.preflight(request) or await self._answer(request)
        self._cors.allow(request, response)
        return response

    async def _answer(self, request: AnyRequest) -> web.StreamResponse:
        try:
            account, rest = self._account(request.path)
            if page := self._descriptions.of(account.name).get(rest):
                return page.response(request.headers.get("Accept-Language"))
            if rest == PATH and not isinstance(request, DirectRequest) and request.method == "GET":
                return await self._sockets.open(request, account, self._remote(request))
            service, name = _method_at(rest, request.method)
        except RpcFailure as exc:
            return response_to(problem_answer(exc), **({"Allow": "POST"} if exc.status == 405 else {}))
        headers = request.headers

        async def read() -> bytes:
            return await read_body(request, READ_TIMEOUT)

        call = Call(
            service=service,
            name=name,
            content_type=media_type(headers.get("Content-Type", "")),
            credentials=bearer_credentials(headers.get("Authorization")),
            read=read,
            accept=headers.get("Accept"),
            remote=self._remote(request),
        )
        call.features[Account] = account
        call.features[WeChatClient] = self._clients(account)
        if (key := headers.get(HEADER)) is not None:
            call.features[IdempotencyKey] = IdempotencyKey(key)
        answer = await self._server.answer(call)
        return self._response(call, answer, headers.get("Accept-Encoding"))

    def _remote(self, request: AnyRequest) -> str:
        """Return the address for the limit of calls."""
        try:
            return str(client_address(request, self._trusted_proxies))
        except ValueError:  # the proxy names no address: its own address counts
            return request.remote or ""

    def _account(self, path: str) -> tuple[Account, str]:
        """Return the account of a path, and the rest of the path; raises RpcFailure."""
        name, slash, rest = path.removeprefix("/").partition("/")
        try:
            account = self._accounts().named(name)
        except UnknownAccount:
            account = None
        if account is None or account.kind is not AccountKind.MINI_PROGRAM:
            raise RpcFailure(404, "Unknown account", detail="there is no Mini Program of this name")
        return account, slash + rest

    def _response(self, call: Call, answer: Answer, accept_encoding: str | None) -> web.StreamResponse:
        headers = dict(wrap(answer, call.features.get(FoundSession)))
        if (challenge := call.features.get(Challenge)) is not None and answer.status == 401:
            # RFC 6750: the error is named only if the request has a token.
            expired = call.credentials is not None and challenge.scheme == "Bearer"
            error = ', error="invalid_token"' if expired else ""
            headers["WWW-Authenticate"] = f'{challenge.scheme} realm="{call.features[Account].name}"{error}'
        answer.body, encoding = compress(answer.body, accept_encoding)
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        if answer.status == 200 and not headers and not self._cors.enabled:
            return fast_response_to(answer)
        return response_to(answer, **headers)


def _method_at(path: str, verb: str) -> tuple[str, str]:
    """Return service and method at the path behind the account; raises RpcFailure."""
    match path.split("/")[1:]:
        case [action] if action in ACTIONS:
            found = SERVICE, ACTIONS[action]
        case [service, called] if service != SERVICE:
            found = service, called
        case _:
            raise RpcFailure(404, "Not found", detail=HINT)
    if verb != "POST":
        raise RpcFailure(405, "Only POST", detail=HINT)
    return found
