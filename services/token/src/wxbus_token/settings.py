"""Settings of the token service, prefix `WXBUS_TOKEN_`."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from wxbus.bus.topology import Topology
from wxbus.config.settings import (
    AccountsSettings,
    CommaSeparated,
    LogSettings,
    StoreSettings,
    WeChatApiSettings,
    environment,
)
from wxbus.config.urls import AmqpUrl, HttpUrl
from wxbus.rpc.auth.tls import server_tls


class CallsSettings(BaseSettings):
    """The RabbitMQ over which calls come too, if there is one."""

    model_config = environment("WXBUS_")

    amqp_url: AmqpUrl | None = None
    namespace: str = Field(default="wxbus", pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    queue_limits: Literal["argument", "policy"] = "argument"

    @property
    def topology(self) -> Topology:
        """Return the names of the installation's queues."""
        return Topology(self.namespace, limits_by=self.queue_limits)


class TokenSettings(BaseSettings):
    """What the token service needs to know."""

    model_config = environment("WXBUS_TOKEN_")

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9081, ge=0, le=65535)
    encryption_keys: SecretStr
    """`id:base64,...`: the keys under which tokens lie in Redis, the current one first; see `credential_store-key`."""
    api_keys_file: Path
    """TOML, see `wxbus.rpc.auth.keys`."""
    lease: float = Field(default=15.0, ge=1, le=120)
    """Seconds of the lock's lease: how long others wait if a holder dies in the middle of a fetch."""
    refresh_margin: float = Field(default=300.0, ge=0, le=3600)
    """Seconds before its end that a token is refreshed; WeChat's overlap is 300."""
    wait_timeout: float = Field(default=8.0, ge=0, le=60)
    """Seconds a caller waits for another instance's fetch."""
    refresh_without_store: bool = False
    """With Redis away, fetch tokens whose lifetime is over without the lock, where asking WeChat twice does no harm."""
    wecom_api_url: HttpUrl = "https://qyapi.weixin.qq.com"
    """WeCom's own API."""
    unlogged_methods: CommaSeparated[str] = ()
    """Methods, separated by commas, whose calls are not logged if they succeed, like `token.get`."""
    requests_per_minute: int = Field(default=60, ge=1)
    """Requests to WeChat for one account's credentials, of all instances together."""
    requests_per_day: int = Field(default=1800, ge=1)
    """The same in a day of China; WeChat allows 2,000 by the classic call, 200 for a test account."""
    tls_cert_file: Path | None = None
    """Serve HTTPS with this certificate, PEM with those between it and its root; HTTP without."""
    tls_key_file: Path | None = None
    """Its private key, PEM, without a passphrase."""
    tls_client_ca_file: Path | None = None
    """Who signs callers' certificates, PEM: their subjects may stand in the place of API keys."""
    rate_limit: float = Field(default=1000.0, ge=0)
    """Calls a second of one API key to one instance, 0 for no limit; a client that caches needs one a minute."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    calls: CallsSettings = Field(default_factory=CallsSettings)
    log: LogSettings = Field(default_factory=LogSettings)

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
        """Return what to serve HTTPS with, if anything; raises ConfigurationError for files that cannot be used."""
        if self.tls_cert_file is None or self.tls_key_file is None:
            return None
        return server_tls(self.tls_cert_file, self.tls_key_file, client_ca=self.tls_client_ca_file)

    @model_validator(mode="after")
    def _lease_outlasts_the_fetch(self) -> "TokenSettings":
        if self.lease <= self.wechat.wechat_api_timeout:
            raise ValueError(
                "WXBUS_TOKEN_LEASE must be longer than WXBUS_WECHAT_API_TIMEOUT, or it may lapse within one fetch"
            )
        return self
