"""RabbitMQ's management API: closes connections of other clients, which AMQP cannot do."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.errors import BrokerUnavailable, ConfigurationError

TIMEOUT = 2.0
"""Seconds for one request."""


class Management:
    """The management API of one RabbitMQ."""

    def __init__(self, session: aiohttp.ClientSession, url: URL) -> None:
        """Use `open`."""
        self._session = session
        self._url = url

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, amqp_url: str, timeout: float = TIMEOUT) -> AsyncIterator["Management"]:
        """Yield the API at `url`, with the user and password of `amqp_url` if it has none.

        `timeout` is for one request.

        Raises:
            ConfigurationError: It is not an HTTP address; the text does not contain it, because it holds a password.
        """
        where = _address(url)
        user = where if where.user else URL(amqp_url)
        headers = {"Authorization": aiohttp.encode_basic_auth(user.user or "guest", user.password or "guest")}
        limits = aiohttp.ClientTimeout(total=timeout)
        async with aiohttp.ClientSession(headers=headers, timeout=limits) as session:
            yield cls(session, where.with_user(None))

    async def close_connections(self, name: str, *, reason: str) -> int:
        """Close the connections with the client-provided name `name`; return their number.

        Raises:
            BrokerUnavailable: The API does not answer, or refuses; the connections may still be open.
        """
        try:
            async with self._session.get(self._at("connections", columns="name,user_provided_name")) as answer:
                answer.raise_for_status()
                connections: Sequence[Mapping[str, Any]] = await answer.json()
            found = [each["name"] for each in connections if each.get("user_provided_name") == name]
            for connection in found:
                where = self._at(f"connections/{quote(connection, safe='')}")
                async with self._session.delete(where, headers={"X-Reason": reason}) as answer:
                    if answer.status != HTTPStatus.NOT_FOUND:  # it was closed meanwhile
                        answer.raise_for_status()
        except aiohttp.ClientResponseError as exc:
            raise BrokerUnavailable(f"RabbitMQ's management API answered {exc.status} {exc.message}") from exc
        except (*HTTP_ERRORS, ValueError) as exc:
            raise BrokerUnavailable(f"RabbitMQ's management API: {type(exc).__name__}") from exc
        return len(found)

    def _at(self, path: str, **query: str) -> URL:
        base = str(self._url).rstrip("/")
        return URL(f"{base}/api/{path}", encoded=True).with_query(query or None)


def _address(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigurationError(
            "WXBUS_AMQP_MANAGEMENT_URL: the address of RabbitMQ's management must look like http://host:15672"
        )
    return parsed
