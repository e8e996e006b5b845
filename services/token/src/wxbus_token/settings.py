"""Settings of the token service, prefix `WXBUS_TOKEN_`."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from wxbus.settings import AccountsSettings, LogSettings, StoreSettings, WeChatApiSettings, environment


class TokenSettings(BaseSettings):
    """What the token service needs to know."""

    model_config = environment("WXBUS_TOKEN_")

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(default=9081, ge=0, le=65535)
    vault_keys: SecretStr
    """`id:base64,...`: the keys under which tokens lie in Redis, the current one first; see `vault-key`."""
    api_keys_file: Path
    """TOML, see `wxbus.rpc.keys`."""
    lease: float = Field(default=15.0, ge=1, le=120)
    """Seconds of the lock's lease: how long others wait if a holder dies in the middle of a fetch."""
    margin: float = Field(default=300.0, ge=0, le=3600)
    """Seconds before its end that a token is refreshed; WeChat's overlap is 300."""
    patience: float = Field(default=8.0, ge=0, le=60)
    """Seconds a caller waits for another instance's fetch."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    wechat: WeChatApiSettings = Field(default_factory=WeChatApiSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @model_validator(mode="after")
    def _lease_outlasts_the_fetch(self) -> "TokenSettings":
        if self.lease <= self.wechat.wechat_api_timeout:
            raise ValueError("lease must be longer than WXBUS_WECHAT_API_TIMEOUT, or it may lapse within one fetch")
        return self
