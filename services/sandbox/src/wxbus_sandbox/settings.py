"""Settings of the sandbox. Every limit of WeChat is a setting, because WeChat changes them without notice."""

from ipaddress import ip_address

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings

from wxbus.config.settings import AccountsSettings, LogSettings, environment
from wxbus.config.urls import HttpUrl

MEBIBYTE = 1024 * 1024


class Rules(BaseSettings):
    """WeChat's limits in seconds, bytes and counts. Section numbers refer to the protocol reference."""

    model_config = environment("WXBUS_SANDBOX_")

    token_lifetime: PositiveFloat = 7200
    token_overlap: float = Field(default=300, ge=0)
    """How long a replaced token stays valid (8.1)."""
    stable_renewal: float = Field(default=300, ge=0)
    """The next fetch replaces a stable token that expires within this time (8.1)."""
    stable_per_minute: PositiveInt = 10_000
    stable_per_day: PositiveInt = 500_000
    forced_per_day: PositiveInt = 20
    forced_interval: float = Field(default=30, ge=0)
    """A forced refresh within this time after the last one returns the same token."""
    classic_per_day: PositiveInt = 2000

    ticket_lifetime: PositiveFloat = 12 * 3600
    """Of a component_verify_ticket (6.3)."""
    pre_auth_code_lifetime: PositiveFloat = 1800
    authorization_code_lifetime: PositiveFloat = 3600

    enforce_quotas: bool = True
    """Whether calls have a limit for each day (11)."""
    enforce_windows: bool = True
    """Whether customer-service messages need an open window (9.1)."""
    message_window: PositiveFloat = 48 * 3600
    message_allowance: PositiveInt = 5
    action_window: PositiveFloat = 60
    """After a menu click, a subscription, a scan, or entering customer service."""
    action_allowance: PositiveInt = 3
    enter_allowance: PositiveInt = 2
    typing_window: PositiveFloat = 30
    typing_lasts: PositiveFloat = 15
    human_session: PositiveFloat = 1800
    """After this time a user's messages are pushed again, though a human has the conversation (4.3)."""

    text_bytes: PositiveInt = 2048
    """Of a text in UTF-8, as a passive reply (7) or as a message (45002)."""
    articles_for_message: PositiveInt = 1
    articles_for_event: PositiveInt = 8

    robot_poll: PositiveFloat = 0.5
    """Seconds between WeCom's polls of a robot's streamed answer (WeCom reference 8.4)."""
    robot_text_bytes: PositiveInt = 20_480
    response_lifetime: PositiveFloat = 3600
    """Of a robot's `response_url`."""
    kf_page: PositiveInt = 1000
    """Messages in an answer to `kf/sync_msg` (WeCom reference 7.1)."""
    kf_token_lifetime: PositiveFloat = 600
    """Of the token in a push of customer service."""
    welcome_window: PositiveFloat = 20
    """For the message that an event of customer service allows (WeCom reference 7.3)."""

    media_lifetime: PositiveFloat = 3 * 86400
    image_bytes: PositiveInt = 10 * MEBIBYTE
    voice_bytes: PositiveInt = 2 * MEBIBYTE
    video_bytes: PositiveInt = 10 * MEBIBYTE
    thumb_bytes: PositiveInt = 64 * 1024
    file_bytes: PositiveInt = 20 * MEBIBYTE
    """Of a file in WeCom (WeCom reference 4.1)."""

    js_code_lifetime: PositiveFloat = 300
    logins_per_minute: PositiveInt = 100
    """Of one user (10)."""

    push_timeout: PositiveFloat = 5
    """Time limit for the complete response to a push (4.1)."""
    push_attempts: PositiveInt = 3
    push_spacing: float = Field(default=5, ge=0)
    """Between the starts of two attempts; whether WeChat waits after a fast error is not confirmed (4.1)."""

    result_delay: float = Field(default=0, ge=0)
    """Seconds between a call and the event with its result."""

    callback_addresses: tuple[str, ...] = ("127.0.0.1", "::1")
    """The addresses from which WeChat pushes, as its API returns them (11)."""

    history_size: PositiveInt = 100_000
    """Recorded messages and pushes; older ones are dropped."""
    calls_kept: PositiveInt = 1000
    """Recorded calls, with up to 16 KiB of their bodies, and failed attempts."""


class Address(BaseSettings):
    """The address on which the sandbox listens."""

    model_config = environment("WXBUS_SANDBOX_")

    host: str = "127.0.0.1"
    port: int = Field(default=8082, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ()
    """Names by which browsers may call the page and the control API, besides addresses and `localhost`."""

    @property
    def is_loopback(self) -> bool:
        """Return whether only programs on this machine reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        """Return its address for clients on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound to
        return f"http://{host}:{self.port}"


class SandboxSettings(BaseSettings):
    """All settings of the service."""

    model_config = environment("WXBUS_SANDBOX_")

    ingress_url: str = "http://127.0.0.1:8080"
    """Pushes go to `{ingress_url}/wechat/{account}`."""
    gateway_url: HttpUrl | None = None
    """Address of the gateway for browsers; without it the page has no Mini Program. The gateway must allow the page's
    origin (`WXBUS_GATEWAY_CORS_ORIGINS`)."""
    address: Address = Field(default_factory=Address)
    rules: Rules = Field(default_factory=Rules)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
