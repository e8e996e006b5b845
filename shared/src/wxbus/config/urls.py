"""Addresses of other services as settings have them: checked at the start, never repeated, for they hold passwords."""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

SIGNS: Final = "signs like / # @ in user and password as %2F %23 %40"


def _checked(address: str, schemes: frozenset[str], like: str) -> str:
    try:
        parts = urlsplit(address)
        fits = parts.scheme in schemes and (parts.scheme == "unix" or bool(parts.hostname)) and parts.port != 0
    except ValueError:  # a port that is no number, as a password with a slash in it looks
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


def _rpc(address: str) -> str:
    return _checked(address, frozenset({"http", "https", "amqp", "amqps"}), "http://token:8081 or amqp://broker")


AMQP_LIKE: Final = f"amqp://user:password@host:5672/vhost, {SIGNS}"

AmqpUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_secret("amqp", "amqps", like=AMQP_LIKE))]
RedisUrl: TypeAlias = Annotated[
    SecretStr,
    AfterValidator(_secret("redis", "rediss", "unix", like=f"redis://:password@host:6379/0, {SIGNS}")),
]
ManagementUrl: TypeAlias = Annotated[
    SecretStr, AfterValidator(_secret("http", "https", like=f"http://user:password@host:15672, {SIGNS}"))
]
HttpUrl: TypeAlias = Annotated[str, AfterValidator(_http)]
"""Of an API; no slash at its end, for paths are put behind it."""
RpcUrl: TypeAlias = Annotated[str, AfterValidator(_rpc)]
"""Of a service of ours, or of the RabbitMQ over which it is called."""
