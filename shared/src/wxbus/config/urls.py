"""Addresses of other services in settings. Errors never show them, because they hold passwords."""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

ESCAPES: Final = "with / # @ in user and password as %2F %23 %40"


def _checked(address: str, schemes: frozenset[str], like: str) -> str:
    try:
        parts = urlsplit(address)
        fits = parts.scheme in schemes and (parts.scheme == "unix" or bool(parts.hostname)) and parts.port != 0
    except ValueError:  # the port is not a number: probably a password with a slash
        fits = False
    if not fits:
        raise ValueError(f"must look like {like}")
    return address


def _secret(*schemes: str, like: str) -> Callable[[SecretStr], SecretStr]:
    def check(address: SecretStr) -> SecretStr:
        _checked(address.get_secret_value(), frozenset(schemes), like)
        return address

    return check


def _http(address: str) -> str:
    return _checked(address, frozenset({"http", "https"}), "https://host").rstrip("/")


def _origin(address: str) -> str:
    parts = urlsplit(_http(address))
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must look like https://host, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _rpc(address: str) -> str:
    return _checked(address, frozenset({"http", "https", "amqp", "amqps"}), "http://token:8081 or amqp://broker")


AMQP_LIKE: Final = f"amqp://user:password@host:5672/vhost, {ESCAPES}"

AmqpUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_secret("amqp", "amqps", like=AMQP_LIKE))]
RedisUrl: TypeAlias = Annotated[
    SecretStr,
    AfterValidator(_secret("redis", "rediss", "unix", like=f"redis://:password@host:6379/0, {ESCAPES}")),
]
ManagementUrl: TypeAlias = Annotated[
    SecretStr, AfterValidator(_secret("http", "https", like=f"http://user:password@host:15672, {ESCAPES}"))
]
HttpUrl: TypeAlias = Annotated[str, AfterValidator(_http)]
"""URL of an API, without a slash at the end."""
Origin: TypeAlias = Annotated[str, AfterValidator(_origin)]
"""Origin of a web page, as browsers send it."""
RpcUrl: TypeAlias = Annotated[str, AfterValidator(_rpc)]
"""URL of an RPC service, or of the RabbitMQ over which it is called."""
