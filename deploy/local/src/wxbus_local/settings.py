"""Settings of the local runner: those of the services that it gives a default when they are not set."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from wxbus.settings import environment


class LocalSettings(BaseSettings):
    """What the environment says; everything may be absent."""

    model_config = environment("WXBUS_")

    amqp_url: SecretStr | None = None
    """A RabbitMQ to use as it is."""
    redis_url: SecretStr | None = None
    """A Redis to use as it is."""
    namespace: str | None = None
    worker_app: str = "handlers:router"
    """Where the router is, `module:name`; the current folder is on the path."""
    accounts_file: Path | None = None
    """None: the two demo accounts."""
    local_data: Path = Path(".local")
    """Where `run` keeps what must outlive it."""
    local_workers: int = Field(default=2, ge=1, le=32)
