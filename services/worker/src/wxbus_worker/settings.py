"""Settings of the worker."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from wxbus.api.limits import Limit
from wxbus.bus.topology import RETRY_DELAYS
from wxbus.config.settings import (
    AccountsSettings,
    BusSettings,
    CommaSeparated,
    LogSettings,
    StoreSettings,
    TelemetrySettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import RpcUrl
from wxbus.errors import ConfigurationError
from wxbus_worker.handlers.retry_policy import RetryPolicy


class WorkerSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_WORKER_")

    app: str = ""
    """The router to run, `package.module:name`."""
    app_dir: str = "."
    """Folder in which that module is searched first."""
    token_url: RpcUrl = Field(default="http://127.0.0.1:8081", repr=False)
    """Address of the token service, or the address of RabbitMQ, with its password, if the token service serves
    there."""
    token_api_key: SecretStr
    """API key for the token service, with the scopes `token:get` and `token:report_invalid` for the accounts, and
    `component:*` for a third-party platform."""
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9082, ge=0, le=65535)
    """Health, readiness and metrics. Keep it private."""
    api_keys_file: Path | None = None
    """API keys of the programs that may call the worker's RPC services, a file like the token service's. Without it
    there are no such services; programs that reach RabbitMQ use its queue (`wxbus.messages`)."""
    host: str = "127.0.0.1"
    port: int = Field(default=8084, ge=0, le=65535)
    """RPC over HTTP, if there are API keys; RPC is also served over RabbitMQ."""
    api_limits: dict[str, str] = Field(default_factory=dict)
    """Overrides of WeChat's limits (`wxbus.api.limits`), a JSON object: `{"/cgi-bin/user/get": "1000/day, 10/minute"}`;
    `none`: no limit. `shop /cgi-bin/user/get` is for the account `shop` only; accounts of WeCom must be named."""
    check_send_window: bool = True
    """Refuse replies that WeChat would refuse, by the actions of users (protocol reference 9.1). Turn it off if WeChat
    allows the accounts more."""
    concurrency: int = Field(default=2_000, ge=1, le=10_000)
    """Messages that are handled at once, most of which wait for something. Each costs about 15 KB of memory."""
    context_cache_mib: int = Field(default=32, ge=0, le=65_536)
    """Memory in MiB for the contexts of the users who wrote last, so that they are not read again for each message; 0:
    each one is read."""
    overflow_mib: int = Field(default=64, ge=1, le=65_536)
    """MiB in Redis, for each partition, for the messages of users who have more waiting than their share. Beyond it
    their messages stay in RabbitMQ, and can delay the messages of other users."""
    handler_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds for one call of a handler; far below RabbitMQ's consumer timeout of 30 minutes."""
    retry_delays: CommaSeparated[str] = tuple(RETRY_DELAYS)
    """Delays after failed attempts, separated by commas. If the attempt after the last one fails, the message is
    dead-lettered."""
    send_lease: float = Field(default=15.0, ge=3, le=120)
    """Seconds for which one attempt may send a user's replies. If its process is killed, they wait this long."""
    pending_grace: float = Field(default=3.0, gt=0, le=60)
    """Seconds after ingress's deadline to wait for its note that a pending reply was delivered passively."""
    pending_after_outage: float = Field(default=20.0, ge=0, le=600)
    """Seconds after an outage of RabbitMQ before a pending reply is sent by customer service. In this time ingress
    reconnects and publishes its notes."""
    grace: float = Field(default=20.0, ge=0, le=600)
    """Seconds for running handlers to end when the worker stops."""
    trace_contexts: bool = False
    """Add each user's context before and after a message to its trace (decision 0048). It is for the sandbox, and is
    refused with WeChat's API: traces then contain what users wrote."""
    require_durable_store: bool = False
    """Refuse to start if Redis may lose acknowledged writes; else log a warning. Set it in production."""
    bus: BusSettings = Field(default_factory=BusSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @field_validator("retry_delays")
    @classmethod
    def _have_queues(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [delay for delay in value if delay not in RETRY_DELAYS]:
            raise ValueError(f"{', '.join(unknown)} has no queue; the delays are {', '.join(RETRY_DELAYS)}")
        return value

    @field_validator("api_limits")
    @classmethod
    def _are_limits(cls, value: dict[str, str]) -> dict[str, str]:
        for endpoint, text in value.items():
            if not endpoint.rpartition(" ")[2].startswith("/"):
                raise ValueError(f"{endpoint!r} must be a path such as /cgi-bin/user/get, with or without an account")
            try:
                Limit.parse(text)
            except ConfigurationError as exc:
                raise ValueError(f"{endpoint}: {exc}") from exc
        return value

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Return the overrides of WeChat's limits by path, or by account and path."""
        return {endpoint: Limit.parse(text) for endpoint, text in self.api_limits.items()}

    @property
    def retries(self) -> RetryPolicy:
        """Return the retry policy of routes without one."""
        return RetryPolicy(tuple(timedelta(seconds=RETRY_DELAYS[name]) for name in self.retry_delays))
