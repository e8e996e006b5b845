"""Settings that more than one service reads, each from the environment (prefix `WXBUS_`), checked once at start.

A service composes these value objects in its own frozen settings class and reads that with `load`.
"""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from wxbus.bus.topology import Topology
from wxbus.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)


def environment(prefix: str) -> SettingsConfigDict:
    """Return the pydantic configuration of a settings class whose variables start with `prefix`."""
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore", hide_input_in_errors=True)


class BusSettings(BaseSettings):
    """Where RabbitMQ is and how its queues are cut."""

    model_config = environment("WXBUS_")

    amqp_url: SecretStr
    """`amqp://user:password@host:port/vhost`, or `amqps://` for TLS."""
    amqp_management_url: SecretStr | None = None
    """`http://[user:password@]host:15672`, RabbitMQ's management; user and password are those of `amqp_url` if absent.
    With it workers close a frozen one's connection; without it that takes about three times the heartbeat."""
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    """First part of every exchange, queue and Redis key: two installations may share servers under two names."""
    partitions: int = Field(default=16, ge=1, le=256)
    """Number of inbox queues; change it only while they are empty."""
    queue_limits: Literal["argument", "policy"] = "argument"
    """Whether limits and dead-letter targets are arguments of the queues or policies that the operator has set."""

    @property
    def topology(self) -> Topology:
        """Return the exchanges and queues these settings name."""
        return Topology(self.namespace, self.partitions, self.queue_limits)


class StoreSettings(BaseSettings):
    """Where Redis is."""

    model_config = environment("WXBUS_")

    redis_url: SecretStr
    """`redis://[:password@]host:port/db`, or `rediss://` for TLS."""
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")


class AccountsSettings(BaseSettings):
    """Where the accounts are read from."""

    model_config = environment("WXBUS_")

    accounts_file: Path
    """TOML, see `wxbus.accounts`."""


class LogSettings(BaseSettings):
    """How to log."""

    model_config = environment("WXBUS_")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class WeChatApiSettings(BaseSettings):
    """Where WeChat's API is."""

    model_config = environment("WXBUS_")

    wechat_api_url: str = "https://api.weixin.qq.com"
    """No trailing slash; the sandbox's address in development (protocol reference section 9)."""
    wechat_api_timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds for one call, connection included."""


def load(settings: type[S]) -> S:
    """Return the settings as the environment has them.

    Raises:
        ConfigurationError: A variable is missing or wrong; the text has one line for each, never a value.
    """
    try:
        return settings()
    except ValidationError as exc:
        parts = (field.annotation for field in settings.model_fields.values())
        failed = next((part for part in parts if getattr(part, "__name__", "") == exc.title), settings)
        prefix = getattr(failed, "model_config", {}).get("env_prefix", "")  # that of the value object that is wrong
        lines = [f"{prefix}{'_'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in exc.errors()]
        raise ConfigurationError("\n".join(lines)) from exc
