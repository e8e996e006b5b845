"""Settings of the local runner: those of the services that it gives a default when they are not set."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from wxbus.addresses import AmqpUrl, HttpUrl, RedisUrl
from wxbus.settings import environment

ROOT = Path(__file__).parents[4]
"""The checkout: this distribution is installed from it."""
DEMO_BOT = ROOT / "deploy/demo_bot"


class LocalSettings(BaseSettings):
    """What the environment says; everything may be absent."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl | None = None
    """A RabbitMQ to use as it is."""
    redis_url: RedisUrl | None = None
    """A Redis to use as it is."""
    namespace: str = "wxbus"
    partitions: int = 16
    worker_app: str = "handlers:router"
    """Where the router is, `module:name`; the current folder is on the path."""
    accounts_file: Path = DEMO_BOT / "accounts.toml"
    """Without a setting the two demo accounts."""
    wechat_api_url: HttpUrl | None = None
    """None: the sandbox."""
    local_data: Path = Path(".local")
    """Where `run` keeps what must outlive it."""
    local_workers: int = Field(default=2, ge=1, le=32)

    def for_demo(self, namespace: str) -> "LocalSettings":
        """Return the settings with the samples and the sandbox in place of what is the user's own."""
        own = {"worker_app", "accounts_file", "wechat_api_url"}
        defaults = {name: type(self).model_fields[name].default for name in own}
        return self.model_copy(update={**defaults, "namespace": namespace})
