"""Settings of ingress."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from wxbus.config.settings import (
    AccountsSettings,
    BusSettings,
    CommaSeparated,
    LogSettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import RpcUrl

DAY = 86_400.0


def _network(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(text))
    except ValueError as exc:
        raise ValueError(f"{text} is neither an address nor a network") from exc


Network: TypeAlias = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
"""An address is one, too."""


class Limits(BaseSettings):
    """What one request may take; WeChat waits five seconds (protocol reference 4.1)."""

    model_config = environment("WXBUS_INGRESS_")

    body_limit: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Bytes of a body (protocol reference 1.5)."""
    body_timeout: float = Field(default=3.0, gt=0, le=60)
    """Seconds in which a header must arrive from its first byte on, and then a body."""
    bodies_limit: int = Field(default=16 * 1024 * 1024, ge=1024)
    """Bytes of the bodies of all requests that are not answered yet; further ones are answered 503."""
    connections: int = Field(default=4_000, ge=1)
    """Connections at once, for each process; further ones are answered 503 and closed."""
    budget: float = Field(default=4.5, gt=0, le=60)
    """Seconds for a whole request, from its first byte: what is not on disk by then is answered 503."""
    wechat_waits: float = Field(default=5.0, gt=0, le=60)
    """Seconds after which WeChat gives an attempt up and pushes again (protocol reference 4.1)."""
    wechat_attempts: int = Field(default=3, ge=1, le=10)
    """How often WeChat pushes the same."""
    broker_budget: float = Field(default=1.5, gt=0, le=60)
    """Seconds of these for RabbitMQ's confirm; after that the callback goes to the spool."""
    in_flight: int = Field(default=500, ge=1)
    """Callbacks that wait for RabbitMQ's confirm at once; further ones go to the spool."""
    max_age: float = Field(default=600.0, ge=0)
    """Seconds by which a request's timestamp may differ from our clock; 0: not looked at.

    Far more than WeChat's three attempts take: a repeat may bear the timestamp of the first (not confirmed).
    """
    repeat_age: float = Field(default=90_000, ge=0)
    """Seconds for events that WeChat repeats for hours, a little over a day (protocol reference 4.4), if encrypted."""


class SpoolLimits(BaseSettings):
    """Where callbacks are kept while RabbitMQ is away, and how many."""

    model_config = environment("WXBUS_INGRESS_SPOOL_")

    dir: Path = Path("~/.local/state/wxbus/ingress")
    """A folder on a disk that outlives the process; below it a folder for each namespace."""
    size_limit: int = Field(default=2**30, ge=1)
    """Bytes of envelopes; beyond it callbacks are answered 503, and WeChat sends them again."""
    age_limit: float = Field(default=5 * DAY, gt=0)
    """Seconds; while the oldest is older no more are taken. Workers know a callback's id again for seven days."""
    disk_floor: int = Field(default=256 * 2**20, ge=0)
    """Bytes that must stay free on the disk."""
    waiting: int = Field(default=2_000, ge=1)
    """Callbacks that wait for the disk at once; further ones are answered 503."""
    waiting_bytes: int = Field(default=16 * 2**20, ge=1)
    """Their bytes: those of a callback whose time is over count on, until the disk has answered."""

    def folder(self, namespace: str) -> Path:
        """Return the folder of a namespace."""
        return self.dir.expanduser() / namespace


class SourceSettings(BaseSettings):
    """Whether callbacks are taken from WeChat's addresses only, which it tells (protocol reference 11)."""

    model_config = environment("WXBUS_INGRESS_SOURCES_")

    account: str = ""
    """The account, by its name, in whose name WeChat is asked for its addresses; none: addresses are not looked at."""
    token_url: RpcUrl = "http://127.0.0.1:8081"  # noqa: S105 - an address
    """Where the token service is."""
    token_api_key: SecretStr | None = None
    """Our key to it, with the scopes `token:get` and `token:report_invalid` for that account."""
    proxies: CommaSeparated[Network] = ()
    """Our own proxies, addresses or networks, separated by commas: only these are believed about who is before them."""
    also: CommaSeparated[Network] = ()
    """Further addresses or networks that callbacks are taken from: WeCom's, a monitor's."""
    refresh: float = Field(default=DAY, gt=0)
    """Seconds after which WeChat is asked again."""


class SpoolCommandSettings(BaseSettings):
    """What `python -m wxbus_ingress spool` needs of the settings."""

    model_config = environment("WXBUS_")

    namespace: str = BusSettings.model_fields["namespace"].get_default()
    spool: SpoolLimits = Field(default_factory=SpoolLimits)

    @property
    def folder(self) -> Path:
        """Return where the spools of the namespace are."""
        return self.spool.folder(self.namespace)


class IngressSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_INGRESS_")

    host: str = "0.0.0.0"  # noqa: S104 - WeChat comes from outside
    """Where callbacks are received; `::` takes IPv6 and IPv4."""
    port: int = Field(default=8080, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9080, ge=0, le=65535)
    """Health, readiness and metrics: not for the public. Of several processes each has one, counted up from here."""
    limits: Limits = Field(default_factory=Limits)
    spool: SpoolLimits = Field(default_factory=SpoolLimits)
    sources: SourceSettings = Field(default_factory=SourceSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    bus: BusSettings = Field(default_factory=BusSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @property
    def spool_folder(self) -> Path:
        """Return where the spools of our namespace are."""
        return self.spool.folder(self.bus.namespace)
