"""Settings of the gateway, prefix `WXBUS_GATEWAY_`."""

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from wxbus.config.networks import Network
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
from wxbus.config.urls import Origin, RpcUrl
from wxbus.store.keyring import EncryptionKeys
from wxbus_gateway.sessions.session import Lifetime

DAY = 86_400.0


class DatabaseSettings(BaseSettings):
    """Address of the database, for the commands about its tables."""

    model_config = environment("WXBUS_GATEWAY_")

    database_url: SecretStr = SecretStr("sqlite:///.local/gateway.db")
    """`sqlite:///folder/file.db` for one machine, `postgresql://user:password@host/database` for several."""


class UsersSettings(DatabaseSettings):
    """Settings of the commands about users: the database, the keys and the sessions in Redis."""

    encryption_keys: EncryptionKeys
    """`id:base64,...`: the keys that seal session keys and phone numbers, the current one first; see
    `encryption-key`."""
    session_idle: float = Field(default=7 * DAY, ge=60, le=366 * DAY)
    """Seconds after which an unused session ends."""
    session_total: float = Field(default=30 * DAY, ge=60, le=366 * DAY)
    """Seconds after which a session ends, however often it is used."""
    session_renew_after: float = Field(default=DAY / 2, ge=10, le=366 * DAY)
    """Seconds after which a session's token is replaced; it stays valid for another minute."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)

    @model_validator(mode="after")
    def _sessions_can_be_renewed(self) -> "UsersSettings":
        if not self.session_renew_after < self.session_idle <= self.session_total:
            raise ValueError(
                "WXBUS_GATEWAY_SESSION_RENEW_AFTER must be shorter than WXBUS_GATEWAY_SESSION_IDLE, and that one not "
                "longer than WXBUS_GATEWAY_SESSION_TOTAL"
            )
        return self

    @property
    def lifetime(self) -> Lifetime:
        """Return how long sessions last."""
        return Lifetime(self.session_idle, self.session_total, self.session_renew_after)


class GatewaySettings(UsersSettings):
    """All settings of the service."""

    host: str = "127.0.0.1"
    port: int = Field(default=8083, ge=0, le=65535)
    """The port of Mini Programs; a proxy in front of it terminates TLS."""
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9089, ge=0, le=65535)
    """Health, readiness and metrics. Keep it private."""
    app: str = ""
    """The business's own services, `package.module:name`; without it there are only the logins."""
    app_dir: str = "."
    """Folder in which that module is searched first."""
    migrate: bool = True
    """Migrate the tables to this version at start; otherwise run `python -m wxbus_gateway database upgrade`."""
    token_url: RpcUrl = Field(default="http://127.0.0.1:8081", repr=False)
    """Address of the token service, or the address of RabbitMQ, with its password, if the token service serves
    there."""
    token_api_key: SecretStr
    """API key for the token service, with the scopes `login:exchange`, `token:get` and `token:report_invalid` for the
    accounts."""
    rate_limit: float = Field(default=20.0, gt=0)
    """Calls per second of one user to one instance, and messages per second on the user's sockets there: more calls are
    refused, more messages wait."""
    address_rate_limit: float = Field(default=50.0, gt=0)
    """Calls per second without a session from one address to one instance; many users share an address."""
    trusted_proxies: CommaSeparated[Network] = ()
    """Addresses or networks of your own proxies, separated by commas; only their X-Forwarded-For is used. Without it
    all users behind a proxy share one address."""
    cors_origins: CommaSeparated[Origin] = ()
    """Origins of your own web pages that may call, separated by commas, such as https://shop.example.com."""
    sockets_per_user: int = Field(default=5, ge=1, le=100)
    """Open WebSockets of one user on one instance; the oldest is closed when there are more."""
    drain: float = Field(default=5.0, ge=0, le=600)
    """Seconds over which clients of WebSockets are asked to connect elsewhere when the gateway stops."""
    grace: float = Field(default=10.0, ge=0, le=600)
    """Seconds for running calls to end when the gateway stops, after `drain`; then they are cancelled."""

    bus: BusSettings = Field(default_factory=BusSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
