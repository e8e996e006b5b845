"""Settings of ingress."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from wxbus.config.networks import Network
from wxbus.config.settings import (
    AccountsSettings,
    BusSettings,
    CommaSeparated,
    LogSettings,
    TelemetrySettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import RpcUrl

DAY = 86_400.0


class Limits(BaseSettings):
    """Limits of one request; WeChat waits five seconds (protocol reference 4.1)."""

    model_config = environment("WXBUS_INGRESS_")

    body_limit: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Bytes of a body (protocol reference 1.5)."""
    body_timeout: float = Field(default=3.0, gt=0, le=60)
    """Seconds in which a header must arrive after its first byte, and then a body."""
    total_body_limit: int = Field(default=16 * 1024 * 1024, ge=1024)
    """Bytes of the bodies of all unanswered requests; above it requests get 503."""
    max_connections: int = Field(default=4_000, ge=1)
    """Connections of each process; above it connections get 503 and are closed."""
    budget: float = Field(default=4.5, gt=0, le=60)
    """Seconds for a request from its first byte; a callback that is not on disk by then gets 503."""
    wechat_timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds after which WeChat repeats a push (protocol reference 4.1)."""
    wechat_attempts: int = Field(default=3, ge=1, le=10)
    """How often WeChat pushes a message."""
    broker_budget: float = Field(default=1.5, gt=0, le=60)
    """Seconds of the budget for RabbitMQ's confirm; after that the callback goes to the spool."""
    max_in_flight: int = Field(default=500, ge=1)
    """Callbacks that wait for RabbitMQ's confirm; above it callbacks go to the spool."""
    max_age: float = Field(default=600.0, ge=0)
    """Seconds by which the timestamp of a request may differ from our clock; 0: any timestamp is accepted.

    Far longer than WeChat's three attempts: a repeat may have the timestamp of the first (not confirmed).
    """
    repeat_age: float = Field(default=90_000, ge=0)
    """The same for encrypted events that WeChat repeats for hours: a little over a day (protocol reference 4.4)."""


class SpoolLimits(BaseSettings):
    """Where the spool is, and its limits."""

    model_config = environment("WXBUS_INGRESS_SPOOL_")

    dir: Path = Path("~/.local/state/wxbus/ingress")
    """A folder on a persistent disk; it has a subfolder for each namespace."""
    size_limit: int = Field(default=2**30, ge=1)
    """Bytes of envelopes; above it callbacks get 503, and WeChat repeats them."""
    age_limit: float = Field(default=5 * DAY, gt=0)
    """Seconds; callbacks get 503 while the oldest is older. Workers detect duplicates for seven days."""
    disk_floor: int = Field(default=256 * 2**20, ge=0)
    """Bytes that stay free on the disk."""
    queue_limit: int = Field(default=2_000, ge=1)
    """Callbacks that wait for the disk; above it callbacks get 503."""
    queue_bytes_limit: int = Field(default=16 * 2**20, ge=1)
    """Bytes of these callbacks, including those that were given up and not written yet."""

    def folder(self, namespace: str) -> Path:
        """Return the folder of a namespace."""
        return self.dir.expanduser() / namespace


class IpAllowlistSettings(BaseSettings):
    """Whether only WeChat's IP addresses may send callbacks (protocol reference 11)."""

    model_config = environment("WXBUS_INGRESS_IP_ALLOWLIST_")

    account: str = ""
    """The name of the account whose token fetches WeChat's list; empty: any address is accepted."""
    token_url: RpcUrl = "http://127.0.0.1:8081"  # noqa: S105 - an address
    """The address of the token service."""
    token_api_key: SecretStr | None = None
    """An API key with the scopes `token:get` and `token:report_invalid` for that account."""
    trusted_proxies: CommaSeparated[Network] = ()
    """Addresses or networks of our own proxies, separated by commas; only their X-Forwarded-For is used."""
    extra_networks: CommaSeparated[Network] = ()
    """Further accepted addresses or networks: those of WeCom or of a monitor."""
    refresh_interval: float = Field(default=DAY, gt=0)
    """Seconds between two fetches of the list."""


class SpoolCommandSettings(BaseSettings):
    """The settings that `python -m wxbus_ingress spool` needs."""

    model_config = environment("WXBUS_")

    namespace: str = BusSettings.model_fields["namespace"].get_default()
    spool: SpoolLimits = Field(default_factory=SpoolLimits)

    @property
    def folder(self) -> Path:
        """Return the folder with the spools of the namespace."""
        return self.spool.folder(self.namespace)


class IngressSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_INGRESS_")

    host: str = "0.0.0.0"  # noqa: S104 - callbacks come from outside
    """The address of the public port; `::` accepts IPv6 and IPv4."""
    port: int = Field(default=8080, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9080, ge=0, le=65535)
    """Health, readiness and metrics, not public. Several processes use this port and the following ones."""
    limits: Limits = Field(default_factory=Limits)
    spool: SpoolLimits = Field(default_factory=SpoolLimits)
    ip_allowlist: IpAllowlistSettings = Field(default_factory=IpAllowlistSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    bus: BusSettings = Field(default_factory=BusSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @property
    def spool_folder(self) -> Path:
        """Return the folder with the spools of our namespace."""
        return self.spool.folder(self.bus.namespace)
