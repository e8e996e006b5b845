"""Settings of the token service, prefix `WXBUS_TOKEN_`."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from wxbus.bus.topology import Topology
from wxbus.config.settings import (
    AccountsSettings,
    CommaSeparated,
    LogSettings,
    StoreSettings,
    TelemetrySettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import AmqpUrl
from wxbus.store.keyring import EncryptionKeys


class CallsSettings(BaseSettings):
    """RabbitMQ as a second transport of calls, if it is set."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl | None = None
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    queue_limits: Literal["argument", "policy"] = "argument"

    @property
    def topology(self) -> Topology:
        """Return the names of the installation's queues."""
        return Topology(self.namespace, limits_by=self.queue_limits)


class TokenSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_TOKEN_")

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9081, ge=0, le=65535)
    encryption_keys: EncryptionKeys
    """`id:base64,...`: the keys that encrypt credentials in Redis, the current one first; see `encryption-key`."""
    api_keys_file: Path
    """TOML, see `wxbus.rpc.auth.keys`."""
    lease: float = Field(default=15.0, ge=1, le=120)
    """Seconds of the lock's lease: how long other instances wait if the holder crashes during a fetch."""
    refresh_margin: float = Field(default=300.0, ge=0, le=3600)
    """Seconds before its expiry that a token is refreshed; WeChat's overlap is 300."""
    wait_timeout: float = Field(default=8.0, ge=0, le=60)
    """Seconds that a caller waits for another instance's fetch."""
    refresh_without_store: bool = False
    """While Redis is unavailable, fetch expired tokens without the lock, where concurrent fetches do no harm."""
    unlogged_methods: CommaSeparated[str] = ()
    """Methods, separated by commas, whose successful calls are not logged, like `token.get`."""
    requests_per_minute: int = Field(default=60, ge=1)
    """Requests to WeChat for one account's credentials, of all instances together."""
    requests_per_day: int = Field(default=1800, ge=1)
    """The same per day in China; WeChat allows 2,000 by the classic call, 200 for a test account."""
    tls_cert_file: Path | None = None
    """Certificate of the service with its intermediate certificates, PEM; without it the service uses HTTP."""
    tls_key_file: Path | None = None
    """Private key of the certificate, PEM, without a passphrase."""
    tls_client_ca_file: Path | None = None
    """Certificate authority of client certificates, PEM: callers may use a certificate in place of an API key."""
    rate_limit: float = Field(default=1000.0, ge=0)
    """Calls per second of one API key to one instance, 0 for no limit; a caching client needs one per minute."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    calls: CallsSettings = Field(default_factory=CallsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @model_validator(mode="after")
    def _certificate_and_key(self) -> "TokenSettings":
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("WXBUS_TOKEN_TLS_CERT_FILE and WXBUS_TOKEN_TLS_KEY_FILE go together")
        if self.tls_client_ca_file is not None and self.tls_cert_file is None:
            raise ValueError(
                "WXBUS_TOKEN_TLS_CLIENT_CA_FILE needs WXBUS_TOKEN_TLS_CERT_FILE and WXBUS_TOKEN_TLS_KEY_FILE"
            )
        return self

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context of the service, None for HTTP; raises ConfigurationError for unusable files."""
        if self.tls_cert_file is None or self.tls_key_file is None:
            return None
        from wxbus.rpc.auth.tls import server_tls  # noqa: PLC0415 - RPC is half of the import of the settings

        return server_tls(self.tls_cert_file, self.tls_key_file, client_ca=self.tls_client_ca_file)

    @model_validator(mode="after")
    def _lease_outlasts_the_fetch(self) -> "TokenSettings":
        if self.lease <= self.wechat.wechat_api_timeout:
            raise ValueError(
                "WXBUS_TOKEN_LEASE must be longer than WXBUS_WECHAT_API_TIMEOUT, or it may expire during a fetch"
            )
        return self
