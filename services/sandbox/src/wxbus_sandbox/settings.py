"""Settings of the sandbox. WeChat changes its numbers without notice, so each of them is a setting."""

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings

from wxbus.config.settings import AccountsSettings, LogSettings, environment

MEBIBYTE = 1024 * 1024


class Rules(BaseSettings):
    """WeChat's numbers (seconds, bytes, counts); section numbers are those of the protocol reference."""

    model_config = environment("WXBUS_SANDBOX_")

    token_lifetime: PositiveFloat = 7200
    token_overlap: float = Field(default=300, ge=0)
    """For so long a replaced token goes on working (8.1)."""
    stable_renewal: float = Field(default=300, ge=0)
    """A stable token with less than this left is replaced by the next fetch (8.1)."""
    stable_per_minute: PositiveInt = 10_000
    forced_per_day: PositiveInt = 20
    forced_interval: float = Field(default=30, ge=0)
    """A forced refresh sooner than this after the last gives the same token again."""
    classic_per_day: PositiveInt = 2000

    ticket_lifetime: PositiveFloat = 12 * 3600
    """Of a component_verify_ticket (6.3)."""
    pre_auth_code_lifetime: PositiveFloat = 1800
    authorization_code_lifetime: PositiveFloat = 3600

    enforce_windows: bool = True
    """Whether customer-service messages are refused outside of the windows of 9.1."""
    message_window: PositiveFloat = 48 * 3600
    message_allowance: PositiveInt = 5
    action_window: PositiveFloat = 60
    """After a menu click, following, a scan, entering the customer service."""
    action_allowance: PositiveInt = 3
    enter_allowance: PositiveInt = 2
    typing_window: PositiveFloat = 30
    typing_lasts: PositiveFloat = 15

    text_bytes: PositiveInt = 2048
    """Of a text, in UTF-8, passive (7) or sent (45002)."""
    articles_for_message: PositiveInt = 1
    articles_for_event: PositiveInt = 8

    media_lifetime: PositiveFloat = 3 * 86400
    image_bytes: PositiveInt = 10 * MEBIBYTE
    voice_bytes: PositiveInt = 2 * MEBIBYTE
    video_bytes: PositiveInt = 10 * MEBIBYTE
    thumb_bytes: PositiveInt = 64 * 1024

    js_code_lifetime: PositiveFloat = 300

    push_timeout: PositiveFloat = 5
    """An answer to a push must be complete by then (4.1)."""
    push_attempts: PositiveInt = 3
    push_spacing: float = Field(default=5, ge=0)
    """From the start of one attempt to the next; whether WeChat waits after a quick refusal is not confirmed (4.1)."""

    callback_addresses: tuple[str, ...] = ("127.0.0.1", "::1")
    """Where pushes are said to come from (11)."""

    keep: PositiveInt = 100_000
    """Recorded messages and pushes; older ones are forgotten."""


class Address(BaseSettings):
    """Where the sandbox listens."""

    model_config = environment("WXBUS_SANDBOX_")

    host: str = "127.0.0.1"
    port: int = Field(default=8082, ge=0, le=65535)

    @property
    def url(self) -> str:
        """Return its address for those on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound to
        return f"http://{host}:{self.port}"


class SandboxSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_SANDBOX_")

    ingress_url: str = "http://127.0.0.1:8080"
    """Pushes go to `{ingress_url}/wechat/{account}`."""
    address: Address = Field(default_factory=Address)
    rules: Rules = Field(default_factory=Rules)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
