"""Settings that several services read from the environment (prefix `WXBUS_`), checked once at start.

A service composes these classes in its own frozen settings class and reads that with `load`.
"""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import structlog
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from wxbus.bus.topology import Topology
from wxbus.config.account_tables import secret_variables
from wxbus.config.urls import AmqpUrl, HttpUrl, ManagementUrl, RedisUrl
from wxbus.config.validation import error_message
from wxbus.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)
T = TypeVar("T")


def _split(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


CommaSeparated: TypeAlias = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_split)]
"""A list in a variable: `a, b`."""

OptionalHttpUrl: TypeAlias = Annotated[HttpUrl | None, BeforeValidator(lambda value: value or None)]
"""None for an empty variable, too."""

NOT_SET: Final = "is not set"

PREFIX: Final = "WXBUS_"
"""Prefix of every variable of wxbus."""
PREFIXES: Final = frozenset(
    f"{PREFIX}{part}_" for part in ("INGRESS", "WORKER", "TOKEN", "GATEWAY", "SANDBOX", "LOCAL")
)
"""Prefixes of the variables that only one part reads."""
RUN: Final = f"{PREFIX}RUN"
"""The local runner sets this variable in the processes that it starts."""


def environment(prefix: str) -> SettingsConfigDict:
    """Return the pydantic configuration of a settings class whose variables start with `prefix`."""
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore", hide_input_in_errors=True)


class BusSettings(BaseSettings):
    """Address of RabbitMQ, and its queues."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl
    """`amqp://user:password@host:port/vhost`, or `amqps://` for TLS."""
    amqp_management_url: ManagementUrl | None = None
    """`http://[user:password@]host:15672`, RabbitMQ's management; user and password default to those of `amqp_url`.
    With it workers close the connection of a frozen worker; without it that takes about three heartbeats."""
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    """Prefix of every exchange, queue and Redis key: installations with different namespaces can share servers."""
    partitions: int = Field(default=16, ge=1, le=256)
    """Number of inbox queues; may change only while they are empty."""
    queue_limits: Literal["argument", "policy"] = "argument"
    """Whether limits and dead-letter targets are queue arguments or policies that the operator sets."""

    @property
    def topology(self) -> Topology:
        """Return the exchanges and queues of these settings."""
        return Topology(self.namespace, self.partitions, self.queue_limits)


class StoreSettings(BaseSettings):
    """Address of Redis."""

    model_config = environment("WXBUS_")

    redis_url: RedisUrl
    """`redis://[:password@]host:port/db`, or `rediss://` for TLS."""
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")


class AccountsSettings(BaseSettings):
    """Path of the accounts file."""

    model_config = environment("WXBUS_")

    accounts_file: Path
    """TOML, see `wxbus.accounts.accounts`."""


class LogSettings(BaseSettings):
    """Level and format of the logs."""

    model_config = environment("WXBUS_")

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    log_format: Literal["json", "console"] = "json"


class TelemetrySettings(BaseSettings):
    """Where traces and logs are sent, by OpenTelemetry's variables; the SDK reads further ones itself."""

    model_config = environment("OTEL_")

    exporter_otlp_endpoint: OptionalHttpUrl = None
    """A collector of OTLP over HTTP, `http://collector:4318`. Without this and the next two, nothing is sent."""
    exporter_otlp_traces_endpoint: OptionalHttpUrl = None
    """For traces only, with the path: `http://collector:4318/v1/traces`."""
    exporter_otlp_logs_endpoint: OptionalHttpUrl = None
    """For logs only, with the path."""
    exporter_otlp_timeout: float = Field(default=2.0, gt=0, le=60)
    """Seconds for one batch with its repetitions. A stop waits no longer for an unavailable collector."""
    service_name: str = ""
    """By default `wxbus-` and the name of the service."""
    sdk_disabled: bool = False

    @property
    def traces_url(self) -> str | None:
        """Return the URL for traces, None if they are not sent."""
        return self.exporter_otlp_traces_endpoint or self._below("traces")

    @property
    def logs_url(self) -> str | None:
        """Return the URL for logs, None if they are not sent."""
        return self.exporter_otlp_logs_endpoint or self._below("logs")

    def _below(self, signal: str) -> str | None:
        return f"{self.exporter_otlp_endpoint}/v1/{signal}" if self.exporter_otlp_endpoint else None


class WeChatApiSettings(BaseSettings):
    """Addresses of the APIs of WeChat and WeCom."""

    model_config = environment("WXBUS_")

    wechat_api_url: HttpUrl = "https://api.weixin.qq.com"
    """The sandbox's address in development (protocol reference 9)."""
    wecom_api_url: HttpUrl = "https://qyapi.weixin.qq.com"
    """In development `/wecom` at the sandbox's address (WeCom reference 1.1)."""
    wechat_api_timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds for one call, connection included."""


def load(settings: type[S]) -> S:
    """Return the settings from the environment.

    Raises:
        ConfigurationError: Variables are missing or invalid; the text has one line for each, without values.
    """
    try:
        return settings()
    except ValidationError as exc:
        raise ConfigurationError("\n".join(_error_lines(settings))) from exc


def load_for_command(settings: type[S]) -> S:
    """Return the settings for a command line tool.

    Raises:
        ConfigurationError: As `load`; for a missing variable, with a hint for `make run`.
    """
    try:
        return load(settings)
    except ConfigurationError as exc:
        hint = "; under `make run`, type `. .local/env` first" if NOT_SET in str(exc) else ""
        raise ConfigurationError(f"{exc}{hint}") from exc


def unknown_variables(*settings: type[BaseSettings]) -> dict[str, str]:
    """Return each `WXBUS_` variable that no part reads, with the nearest known name or "".

    Args:
        settings: Classes that this process reads. Variables with the prefix of another part are not checked.
    """
    known = {name for cls in settings for name in variables(cls)} | SHARED | _secret_variables()
    others = tuple(prefix for prefix in PREFIXES if not any(name.startswith(prefix) for name in known))
    found = sorted(name for name in os.environ if name.startswith(PREFIX) and not name.startswith(others))
    return {name: "".join(get_close_matches(name, known, n=1, cutoff=0.8)) for name in found if name not in known}


def _secret_variables() -> set[str]:
    """Return the variables that the accounts file names for secrets; none if the file is invalid."""
    try:
        return set(secret_variables(Path(os.environ["WXBUS_ACCOUNTS_FILE"])))
    except (KeyError, ConfigurationError):
        return set()


def log_unknown_variables(*settings: type[BaseSettings]) -> None:
    """Log each unknown variable: it has no effect."""
    log = structlog.stdlib.get_logger(__name__)
    for name, nearest in unknown_variables(*settings).items():
        log.warning("settings.unknown_variable", variable=name, **({"did_you_mean": nearest} if nearest else {}))


def variables(settings: type[BaseSettings]) -> set[str]:
    """Return the environment variables that a settings class and its parts read."""
    parts = dict(_parts(settings))
    own = {_variable(settings, name) for name in settings.model_fields if name not in parts}
    return own.union(*map(variables, parts.values()))


def _parts(settings: type[BaseSettings]) -> Iterator[tuple[str, type[BaseSettings]]]:
    """Yield field name and class of each part of a settings class."""
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield name, field.annotation


def _variable(settings: type[BaseSettings], field: str) -> str:
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def _error_lines(settings: type[BaseSettings]) -> list[str]:
    """Return a line for each missing or invalid variable; the parts come first."""
    lines: list[str] = []
    invalid: dict[str, Any] = {}
    for name, part in _parts(settings):
        if found := _error_lines(part):
            lines += found
            invalid[name] = part.model_construct()  # otherwise its error would hide those of the other fields
    try:
        settings(**invalid)
    except ValidationError as exc:
        lines += [_error_line(settings, error) for error in exc.errors()]
    return list(dict.fromkeys(lines))


def _error_line(settings: type[BaseSettings], error: ErrorDetails) -> str:
    message = NOT_SET if error["type"] == "missing" else error_message(error)
    return f"{_variable(settings, str(error['loc'][0]))}: {message}" if error["loc"] else message


SHARED: Final = frozenset(
    {RUN}
    | variables(BusSettings)
    | variables(StoreSettings)
    | variables(AccountsSettings)
    | variables(LogSettings)
    | variables(WeChatApiSettings)
)
"""Variables that several parts read: they may be set for parts that do not read them."""
