"""Typed RPC calls over HTTP: one pool, a deadline per call, bounded repeats."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ValidationError

from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc import problems

A = TypeVar("A", bound=BaseModel)

CALL_TIMEOUT: Final = 10.0
"""Seconds for a call with all its repeats."""
CONNECT_TIMEOUT: Final = 2.0
REPEATABLE: Final = frozenset({429, 502, 503, 504})
FIRST_DELAY: Final = 0.1
"""Seconds before the first repeat at most; four times as much before each further one."""


class Client:
    """Calls the methods of services at one address with one API key."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, *, timeout: float = CALL_TIMEOUT) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, api_key: str, *, timeout: float = CALL_TIMEOUT) -> AsyncIterator["Client"]:
        """Yield a client; it connects when first used, so the service may come later than we.

        Raises:
            ConfigurationError: `base_url` is no http(s) address, or the key cannot stand in a header.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ConfigurationError("the address of an RPC service must be like http://token:8081")
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise ConfigurationError("the API key must be of printable ASCII characters without spaces")
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {api_key}"},
            connector=aiohttp.TCPConnector(limit=100),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        ) as session:
            yield cls(session, base_url, timeout=timeout)

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
        """Return the method's answer.

        Args:
            service: Name of the service.
            method: Name of its method.
            request: What the method takes.
            answer: Model of what it returns.
            timeout: Seconds for the call with all its repeats; that of the client by default.
            attempts: More than one only for a method that may run twice: a lost answer looks like a lost request.

        Raises:
            RpcFailure: The service answered with an error.
            RpcUnavailable: It did not answer in time.
        """
        path = f"/rpc/{service}/{method}"
        body = request.model_dump_json().encode()
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout) as deadline:
                for attempt in range(1, attempts + 1):
                    try:
                        return await self._once(path, body, answer)
                    except (RpcFailure, RpcUnavailable) as exc:
                        delay = _delay(exc, attempt)
                        left = (deadline.when() or 0.0) - asyncio.get_running_loop().time()
                        if attempt == attempts or delay is None or delay >= left:
                            raise
                    await asyncio.sleep(delay)
        except TimeoutError as exc:
            raise RpcUnavailable(f"{path}: no answer in time") from exc
        raise ValueError("attempts must be 1 or more")

    async def _once(self, path: str, body: bytes, answer: type[A]) -> A:
        try:
            async with self._session.post(
                self._base_url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                allow_redirects=False,  # the key goes to nobody else
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as exc:
            lost = RpcUnavailable(f"{path}: {type(exc).__name__}")
        else:
            return _answer(path, response.status, content, response.headers, answer)
        # Outside of `except`: some errors of aiohttp hold the headers of the request, and so the key.
        raise lost


def _answer(path: str, status: int, content: bytes, headers: Mapping[str, str], answer: type[A]) -> A:
    if status != 200:
        raise problems.parse(status, content, headers)
    try:
        return answer.model_validate_json(content)
    except ValidationError:
        # `from None`: pydantic's text shows what was received, and that may be a token.
        raise RpcFailure(502, "Unreadable answer", detail=f"{path}: not a {answer.__name__}") from None


def _delay(error: RpcFailure | RpcUnavailable, attempt: int) -> float | None:
    """Seconds before the next attempt, None if there is to be none."""
    backoff = FIRST_DELAY * 4.0 ** (attempt - 1) * random.uniform(0.5, 1.0)
    if isinstance(error, RpcUnavailable):
        return backoff
    if error.status not in REPEATABLE:
        return None
    return max(backoff, error.retry_after or 0.0)
