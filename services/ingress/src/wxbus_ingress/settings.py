"""Settings of ingress."""

from pydantic import Field
from pydantic_settings import BaseSettings

from wxbus.settings import AccountsSettings, BusSettings, LogSettings, environment

DAY = 86_400.0


class Limits(BaseSettings):
    """What one request may take; WeChat waits five seconds (protocol reference 4.1)."""

    model_config = environment("WXBUS_INGRESS_")

    body_limit: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Bytes of a body (protocol reference 1.5)."""
    body_timeout: float = Field(default=3.0, gt=0, le=60)
    """Seconds in which a body must arrive."""
    budget: float = Field(default=4.5, gt=0, le=60)
    """Seconds for a whole request: without RabbitMQ's confirm by then the answer is 503."""
    max_age: float = Field(default=DAY, ge=0)
    """Seconds by which a request's timestamp may differ from our clock; 0: not looked at.

    A day, because some pushes are repeated for 18 hours (protocol reference 4.4); what is sent again within it is
    recognised by its `dedup_id`.
    """


class IngressSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_INGRESS_")

    host: str = "0.0.0.0"  # noqa: S104 - WeChat comes from outside
    port: int = Field(default=8080, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9080, ge=0, le=65535)
    """Health, readiness and metrics: not for the public."""
    limits: Limits = Field(default_factory=Limits)
    bus: BusSettings = Field(default_factory=BusSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
