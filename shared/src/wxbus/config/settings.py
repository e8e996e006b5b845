"""Settings that more than one service reads, each from the environment (prefix `WXBUS_`), checked once at start.

A service composes these value objects in its own frozen settings class and reads that with `load`.
"""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal, TypeVar

import structlog
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from wxbus.bus.topology import Topology
from wxbus.config.account_tables import secret_variables
from wxbus.config.urls import AmqpUrl, HttpUrl, ManagementUrl, RedisUrl
from wxbus.config.validation import error_message
from wxbus.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)

NOT_SET: Final = "is not set"

PREFIX: Final = "WXBUS_"
"""Of every variable of ours."""
PREFIXES: Final = frozenset(f"{PREFIX}{part}_" for part in ("INGRESS", "WORKER", "TOKEN", "SANDBOX", "LOCAL"))
"""Of the variables that one part alone reads."""
RUN: Final = f"{PREFIX}RUN"
"""The local runner marks the processes that it started with this variable."""


def environment(prefix: str) -> SettingsConfigDict:
    """Return the pydantic configuration of a settings class whose variables start with `prefix`."""
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore", hide_input_in_errors=True)


class BusSettings(BaseSettings):
    """Where RabbitMQ is and how its queues are cut."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl
    """`amqp://user:password@host:port/vhost`, or `amqps://` for TLS."""
    amqp_management_url: ManagementUrl | None = None
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

    redis_url: RedisUrl
    """`redis://[:password@]host:port/db`, or `rediss://` for TLS."""
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")


class AccountsSettings(BaseSettings):
    """Where the accounts are read from."""

    model_config = environment("WXBUS_")

    accounts_file: Path
    """TOML, see `wxbus.accounts.models`."""


class LogSettings(BaseSettings):
    """How to log."""

    model_config = environment("WXBUS_")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class WeChatApiSettings(BaseSettings):
    """Where WeChat's API is."""

    model_config = environment("WXBUS_")

    wechat_api_url: HttpUrl = "https://api.weixin.qq.com"
    """The sandbox's address in development (protocol reference 9)."""
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
        raise ConfigurationError("\n".join(_wrong(settings))) from exc


def load_for_command(settings: type[S]) -> S:
    """Return the settings for a command that a person types.

    Raises:
        ConfigurationError: As `load`; if a variable is missing, the text also says where `make run` keeps them.
    """
    try:
        return load(settings)
    except ConfigurationError as exc:
        hint = "; under `make run`, type `. .local/env` first" if NOT_SET in str(exc) else ""
        raise ConfigurationError(f"{exc}{hint}") from exc


def unknown_variables(*settings: type[BaseSettings]) -> dict[str, str]:
    """Return each variable of ours that no part reads, with the one that was probably meant or "".

    Args:
        settings: What this process reads. Variables with another part's prefix are that part's to check.
    """
    read = {name for one in settings for name in variables(one)} | SHARED | _named_by_accounts()
    others = tuple(prefix for prefix in PREFIXES if not any(name.startswith(prefix) for name in read))
    found = sorted(name for name in os.environ if name.startswith(PREFIX) and not name.startswith(others))
    return {name: "".join(get_close_matches(name, read, n=1, cutoff=0.8)) for name in found if name not in read}


def _named_by_accounts() -> set[str]:
    """Return the variables that the accounts file names for secrets; what is wrong with it is said where it is read."""
    try:
        return set(secret_variables(Path(os.environ["WXBUS_ACCOUNTS_FILE"])))
    except (KeyError, ConfigurationError):
        return set()


def log_unknown_variables(*settings: type[BaseSettings]) -> None:
    """Log each variable that `unknown_variables` returns: it is misspelt, or of another release, and has no effect."""
    log = structlog.stdlib.get_logger(__name__)
    for name, meant in unknown_variables(*settings).items():
        log.warning("settings.unknown_variable", variable=name, **({"did_you_mean": meant} if meant else {}))


def variables(settings: type[BaseSettings]) -> set[str]:
    """Return the names of the environment variables that a settings class reads, those of its parts too."""
    parts = dict(_parts(settings))
    own = {_variable(settings, name) for name in settings.model_fields if name not in parts}
    return own.union(*map(variables, parts.values()))


def _parts(settings: type[BaseSettings]) -> Iterator[tuple[str, type[BaseSettings]]]:
    """Yield the value objects that a settings class is made of, with their names in it."""
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield name, field.annotation


def _variable(settings: type[BaseSettings], field: str) -> str:
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def _wrong(settings: type[BaseSettings]) -> list[str]:
    """Return a line for each variable that is missing or wrong; those of the parts come first."""
    lines = [line for _, part in _parts(settings) for line in _wrong(part)]
    try:
        settings()
    except ValidationError as exc:
        if exc.title == settings.__name__:  # else it is a part's, and told already
            lines += [_line(settings, error) for error in exc.errors()]
    return list(dict.fromkeys(lines))


def _line(settings: type[BaseSettings], error: ErrorDetails) -> str:
    what = NOT_SET if error["type"] == "missing" else error_message(error)
    return f"{_variable(settings, str(error['loc'][0]))}: {what}" if error["loc"] else what


SHARED: Final = frozenset(
    {RUN}
    | variables(BusSettings)
    | variables(StoreSettings)
    | variables(AccountsSettings)
    | variables(LogSettings)
    | variables(WeChatApiSettings)
)
"""The variables that more than one part reads: they stand in the environment of those that do not, too."""
