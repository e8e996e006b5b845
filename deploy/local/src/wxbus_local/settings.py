"""Settings of the local stack, with defaults for settings that services require."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from wxbus.accounts.demo_secrets import is_wechat
from wxbus.config.settings import environment
from wxbus.config.urls import AmqpUrl, HttpUrl, RedisUrl
from wxbus.errors import ConfigurationError

ROOT = Path(__file__).parents[4]
"""The checkout from which this distribution is installed."""
DEMO_BOT = ROOT / "deploy/demo_bot"
DEMO_APP = "handlers:router"
DEMO_SERVICES = "services:app"


class LocalSettings(BaseSettings):
    """Read from the environment; every variable is optional."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl | None = None
    """A running RabbitMQ."""
    redis_url: RedisUrl | None = None
    """A running Redis."""
    namespace: str = Field(default="", pattern=r"^([a-z][a-z0-9_-]{0,30})?$")
    """By default `wxbus`, for real accounts `wxbus-real`, which separates their data from the sandbox's."""
    partitions: int = 16
    worker_app: str = ""
    """The router to run, `module:name`; by default the demo bot."""
    worker_app_dir: Path | None = None
    """The folder of the router's module; by default the current folder."""
    gateway_app: str = ""
    """The services of Mini Programs, `module:name`; by default the demo's services with the demo bot, else none."""
    gateway_app_dir: Path | None = None
    """The folder of the services' module; by default the current folder."""
    accounts_file: Path = DEMO_BOT / "accounts.toml"
    """By default the demo accounts."""
    wechat_api_url: HttpUrl | None = None
    """WeChat, for real accounts; by default the sandbox."""
    ingress_port: int | None = Field(default=None, ge=1, le=65535)
    ingress_admin_port: int | None = Field(default=None, ge=1, le=65535)
    token_port: int | None = Field(default=None, ge=1, le=65535)
    token_admin_port: int | None = Field(default=None, ge=1, le=65535)
    sandbox_port: int | None = Field(default=None, ge=1, le=65535)
    gateway_port: int | None = Field(default=None, ge=1, le=65535)
    gateway_admin_port: int | None = Field(default=None, ge=1, le=65535)
    worker_port: int | None = Field(default=None, ge=1, le=65535)
    worker_admin_port: int | None = Field(default=None, ge=1, le=65535)
    """These two are of the first worker; the next workers get the next ports. Ports that are not set are the default
    or free ones."""
    local_data: Path = Path(".local")
    """The folder of data that later runs need."""
    local_workers: int = Field(default=2, ge=1, le=32)
    local_public_url: HttpUrl | None = None
    """The public address of ingress, like https://your.name: used to print callback addresses."""
    local_env: str = ""
    """Set by the file of variables for commands."""

    @property
    def real(self) -> bool:
        """Return whether accounts are real, so that no sandbox runs."""
        return self.wechat_api_url is not None

    @property
    def effective_namespace(self) -> str:
        """Return the namespace on RabbitMQ and Redis."""
        return self.namespace or ("wxbus-real" if self.real else "wxbus")

    @property
    def data(self) -> Path:
        """Return the folder of data, which real accounts do not share with the sandbox."""
        return self.local_data / "real" if self.real else self.local_data

    @property
    def app(self) -> tuple[str, Path]:
        """Return the router to run and the folder of its module."""
        if not self.worker_app:
            return DEMO_APP, DEMO_BOT
        return self.worker_app, (self.worker_app_dir or Path()).absolute()

    @property
    def services_app(self) -> tuple[str, Path]:
        """Return the services of Mini Programs and the folder of their module; "" if there are none."""
        if self.gateway_app:
            return self.gateway_app, (self.gateway_app_dir or Path()).absolute()
        return ("" if self.worker_app else DEMO_SERVICES), DEMO_BOT

    def for_demo(self, namespace: str) -> "LocalSettings":
        """Return the settings with the demo bot, the demo accounts and the sandbox instead of the user's."""
        replaced = {"worker_app", "worker_app_dir", "gateway_app", "gateway_app_dir"}
        replaced |= {"accounts_file", "wechat_api_url"}
        defaults = {name: type(self).model_fields[name].default for name in replaced}
        return self.model_copy(update={**defaults, "namespace": namespace})

    def check(self) -> None:
        """Raise ConfigurationError for the variables of another run, and for demo accounts with WeChat's API."""
        if self.local_env:
            raise ConfigurationError(
                f"this terminal has the variables of an earlier run, from {self.local_env}: start in another terminal"
            )
        if "accounts_file" not in self.model_fields_set and is_wechat(str(self.wechat_api_url or "")):
            raise ConfigurationError(
                "WXBUS_ACCOUNTS_FILE is not set, and the demo accounts cannot be used with WeChat's API"
            )
