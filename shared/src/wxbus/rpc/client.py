"""Calls RPC services over HTTP or AMQP, with a deadline for each call and a limited number of attempts."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from wxbus.bus.topology import Topology
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc.codec import problems
from wxbus.rpc.codec.compression import GZIP, compress
from wxbus.rpc.codec.serialization import Json, Serializer
from wxbus.rpc.service.declaration import DeclaredMethod, declared_methods, service_name
from wxbus.rpc.transports.amqp_client import AmqpTransport
from wxbus.rpc.transports.http_client import HttpTransport
from wxbus.rpc.transports.port import Incoming, Outgoing, Transport

A = TypeVar("A", bound=BaseModel)
S = TypeVar("S")

CALL_TIMEOUT: Final = 10.0
"""Seconds for a call with all its attempts."""
RETRIABLE: Final = frozenset({429, 502, 503, 504})
FIRST_DELAY: Final = 0.1
"""Maximum seconds before the second attempt; four times as much before each further one."""


class Client:
    """Calls the services at one address with one API key."""

    def __init__(
        self, transport: Transport, *, timeout: float = CALL_TIMEOUT, serializer: Serializer | None = None
    ) -> None:
        self._transport = transport
        self._timeout = timeout
        self._serializer = serializer or Json()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        api_key: str,
        *,
        timeout: float = CALL_TIMEOUT,
        topology: Topology | None = None,
        serializer: Serializer | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator["Client"]:
        """Yield a client. It connects when first used, so the service may start later.

        Args:
            url: Address of the service, `http://token:8081`, or of RabbitMQ, `amqp://user:password@host`.
            api_key: As printed by `python -m wxbus_token keys new`; "" if `tls` has a client certificate.
            timeout: Seconds for a call with all its attempts.
            topology: Queue names of the installation, for AMQP; of the namespace `wxbus` by default.
            serializer: Format of requests and answers; JSON by default.
            tls: For https, see `wxbus.rpc.auth.tls.client_tls`.

        Raises:
            ConfigurationError: `url` is not such an address, or the key is not valid in a header.
        """
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise ConfigurationError("the API key must consist of printable ASCII characters without spaces")
        opened: AbstractAsyncContextManager[Transport]
        if url.startswith(("amqp://", "amqps://")):
            opened = AmqpTransport.open(url, api_key, topology=topology or Topology())
        else:
            opened = HttpTransport.open(url, api_key, tls=tls)
        async with opened as transport:
            yield cls(transport, timeout=timeout, serializer=serializer)

    def bind(self, declaration: Callable[..., S], *, timeout: float | None = None, attempts: int = 1) -> S:
        """Return an object whose declared methods call the service: `await client.bind(TokenService).get(appid=...)`.

        Args:
            declaration: Class under `@service`.
            timeout: Seconds for each call with all its attempts; the client's by default.
            attempts: More than one only for methods that may run twice: a lost answer looks like a lost request.

        Raises:
            TypeError: The class is not marked with `@service`.
        """
        service = service_name(declaration)

        async def call(name: str, method: DeclaredMethod[Any, Any, Any], /, **fields: Any) -> BaseModel:
            request = method.request(**fields)
            return await self.call(service, name, request, method.answer, timeout=timeout, attempts=attempts)

        methods = {name: partial(call, name, method) for name, method in declared_methods(declaration).items()}
        return cast("S", SimpleNamespace(**methods))

    async def call(
        self,
        service: str,
        method: str,
        request: BaseModel,
        answer: type[A],
        *,
        timeout: float | None = None,
        attempts: int = 1,
    ) -> A:
        """Call a method by name, for tools; programs use `bind`.

        Args:
            service: Name of the service.
            method: Name of the method.
            request: The method's request.
            answer: Model of the method's answer.
            timeout: As for `bind`.
            attempts: As for `bind`.

        Raises:
            RpcFailure: The service answered with an error.
            RpcUnavailable: The service did not answer in time.
        """
        body, encoding = compress(self._serializer.encode(request), GZIP)
        outgoing = Outgoing(service, method, self._serializer.content_types[0], body, encoding)
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout) as deadline:
                for attempt in range(1, attempts + 1):
                    try:
                        left = (deadline.when() or 0.0) - asyncio.get_running_loop().time()
                        return self._answer(outgoing, await self._transport.send(outgoing, timeout=left), answer)
                    except (RpcFailure, RpcUnavailable) as exc:
                        delay = _delay(exc, attempt)
                        left = (deadline.when() or 0.0) - asyncio.get_running_loop().time()
                        if attempt == attempts or delay is None or delay >= left:
                            raise
                    await asyncio.sleep(delay)
        except TimeoutError as exc:
            raise RpcUnavailable(f"{outgoing}: no answer in time") from exc
        raise ValueError("attempts must be 1 or more")

    def _answer(self, call: Outgoing, incoming: Incoming, answer: type[A]) -> A:
        if incoming.status != 200:
            raise problems.parse(incoming.status, incoming.body, incoming.headers)
        try:
            return self._serializer.decode(incoming.body, answer)
        except RpcFailure:
            # `from None`: the error must not show the answer, which may hold a token.
            raise RpcFailure(502, "Unreadable answer", detail=f"{call}: not a {answer.__name__}") from None


def _delay(error: RpcFailure | RpcUnavailable, attempt: int) -> float | None:
    """Return the seconds before the next attempt, None if the error is final."""
    backoff = FIRST_DELAY * 4.0 ** (attempt - 1) * random.uniform(0.5, 1.0)
    if isinstance(error, RpcUnavailable):
        return backoff
    if error.status not in RETRIABLE:
        return None
    return max(backoff, error.retry_after or 0.0)
