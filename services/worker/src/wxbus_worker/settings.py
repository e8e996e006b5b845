"""Settings of the worker."""

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from wxbus.bus.topology import RETRY_DELAYS
from wxbus.config.settings import (
    AccountsSettings,
    BusSettings,
    CommaSeparated,
    LogSettings,
    StoreSettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import RpcUrl
from wxbus_worker.handlers.retry_policy import RetryPolicy


class WorkerSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_WORKER_")

    app: str = ""
    """The router to run, `package.module:name`."""
    app_dir: str = "."
    """Where that module is looked for first."""
    token_url: RpcUrl = Field(default="http://127.0.0.1:8081", repr=False)
    """Where the token service is; or RabbitMQ's address, with its password, if the token service serves there too."""
    token_api_key: SecretStr
    """Our key to it, with the scopes `token:get` and `token:report_invalid` for the accounts; with a third-party
    platform `component:*` for it."""
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9082, ge=0, le=65535)
    """Health, readiness and metrics: not for the public."""
    concurrency: int = Field(default=64, ge=1, le=10_000)
    """Messages worked on at once."""
    handler_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds for one run of a handler; far below RabbitMQ's consumer timeout of 30 minutes."""
    retry_delays: CommaSeparated[str] = tuple(RETRY_DELAYS)
    """Delay after each failed attempt, separated by commas; after the last one a message is buried."""
    reply_lease: float = Field(default=15.0, ge=3, le=120)
    """Seconds for which one run alone sends a user's replies; as long they wait when it is killed in the middle."""
    late_grace: float = Field(default=3.0, gt=0, le=60)
    """Seconds beyond ingress's deadline in which its note may come that WeChat got a passive reply."""
    late_after_outage: float = Field(default=20.0, ge=0, le=600)
    """Seconds for which RabbitMQ must have been there before a reply counts as late: an ingress that it was away from,
    too, connects again within them and hands its notes on."""
    grace: float = Field(default=20.0, ge=0, le=600)
    """Seconds that running handlers get to end when we stop."""
    require_durable_store: bool = False
    """Refuse to start on a Redis that may forget what it acknowledged; else only warn. Set it in production."""
    bus: BusSettings = Field(default_factory=BusSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @field_validator("retry_delays")
    @classmethod
    def _have_queues(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [delay for delay in value if delay not in RETRY_DELAYS]:
            raise ValueError(f"{', '.join(unknown)}: there are {', '.join(RETRY_DELAYS)}")
        return value

    @property
    def retries(self) -> RetryPolicy:
        """Return when a failed message is tried again."""
        return RetryPolicy(tuple(timedelta(seconds=RETRY_DELAYS[name]) for name in self.retry_delays))
