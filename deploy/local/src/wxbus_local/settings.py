"""Settings of the local runner: those of the services that it gives a default when they are not set."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from wxbus.config.settings import environment
from wxbus.config.urls import AmqpUrl, HttpUrl, RedisUrl
from wxbus.errors import ConfigurationError

ROOT = Path(__file__).parents[4]
"""The checkout: this distribution is installed from it."""
DEMO_BOT = ROOT / "deploy/demo_bot"
DEMO_APP = "handlers:router"


class LocalSettings(BaseSettings):
    """What the environment says; everything may be absent."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl | None = None
    """A RabbitMQ to use as it is."""
    redis_url: RedisUrl | None = None
    """A Redis to use as it is."""
    namespace: str = Field(default="", pattern=r"^([a-z][a-z0-9_-]{0,30})?$")
    """Without a setting `wxbus`, with a real account `wxbus-real`: runs with the sandbox have other data."""
    partitions: int = 16
    worker_app: str = ""
    """The router to run, `module:name`; without a setting the demo's bot."""
    worker_app_dir: Path | None = None
    """Where its module is looked for; without a setting the current folder."""
    accounts_file: Path = DEMO_BOT / "accounts.toml"
    """Without a setting the two demo accounts."""
    wechat_api_url: HttpUrl | None = None
    """WeChat, for real accounts; without a setting the sandbox."""
    ingress_port: int | None = Field(default=None, ge=1, le=65535)
    ingress_admin_port: int | None = Field(default=None, ge=1, le=65535)
    token_port: int | None = Field(default=None, ge=1, le=65535)
    token_admin_port: int | None = Field(default=None, ge=1, le=65535)
    sandbox_port: int | None = Field(default=None, ge=1, le=65535)
    worker_admin_port: int | None = Field(default=None, ge=1, le=65535)
    """Of the first worker; the others count on from there. A port that is not set is the usual one or a free one."""
    local_data: Path = Path(".local")
    """Where `run` keeps what must outlive it."""
    local_workers: int = Field(default=2, ge=1, le=32)
    local_public_url: HttpUrl | None = None
    """Where WeChat reaches ingress, like https://your.name: for the callback addresses that are printed."""
    local_env: str = ""
    """Set by the file of variables that `run` writes."""

    @property
    def real(self) -> bool:
        """Whether the accounts are real ones, served without the sandbox."""
        return self.wechat_api_url is not None

    @property
    def names(self) -> str:
        """Return the namespace on RabbitMQ and Redis."""
        return self.namespace or ("wxbus-real" if self.real else "wxbus")

    @property
    def data(self) -> Path:
        """Return the folder for data: real accounts share none with the sandbox's."""
        return self.local_data / "real" if self.real else self.local_data

    @property
    def app(self) -> tuple[str, Path]:
        """Return the router to run and the folder in which its module is looked for."""
        if not self.worker_app:
            return DEMO_APP, DEMO_BOT
        return self.worker_app, (self.worker_app_dir or Path()).absolute()

    def for_demo(self, namespace: str) -> "LocalSettings":
        """Return the settings with the samples and the sandbox in place of what is the user's own."""
        own = {"worker_app", "worker_app_dir", "accounts_file", "wechat_api_url"}
        defaults = {name: type(self).model_fields[name].default for name in own}
        return self.model_copy(update={**defaults, "namespace": namespace})

    def check(self) -> None:
        """Raise ConfigurationError if the environment is that of another run."""
        if self.local_env:
            raise ConfigurationError(
                f"this terminal has the variables of an earlier run, from {self.local_env}: start in another terminal"
            )
