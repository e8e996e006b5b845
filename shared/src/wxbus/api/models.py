"""Arguments and results of `WeChatClient`."""

from dataclasses import dataclass
from typing import Literal, NewType, TypeAlias

from pydantic import SecretStr

MediaKind: TypeAlias = Literal["image", "voice", "video", "thumb", "file"]
"""Official Accounts and Mini Programs have no "file", WeCom has no "thumb"."""
MediaId = NewType("MediaId", str)
"""Id of media in replies."""


@dataclass(frozen=True, slots=True)
class File:
    """A downloaded file."""

    data: bytes
    content_type: str
    filename: str | None
    """From Content-Disposition; None without it."""


@dataclass(frozen=True, slots=True)
class VideoLink:
    """The URL of a video; WeChat does not return its bytes."""

    url: str


@dataclass(frozen=True, slots=True)
class Login:
    """A user who logged in to a Mini Program (protocol reference 10)."""

    openid: str
    session_key: SecretStr
    """Stays on the server: it signs and decrypts the data of the user's page."""
    unionid: str | None
    """The same for all accounts of an Open Platform account; None without one."""


@dataclass(frozen=True, slots=True)
class WebLogin:
    """A user who permitted a web page of an Official Account to know them; the tokens are of this user only."""

    openid: str
    access_token: SecretStr
    """For `OAuth.user_info`."""
    expires_in: int
    """Seconds."""
    refresh_token: SecretStr
    """Valid for 30 days; a refresh may replace it."""
    scope: str
    unionid: str | None
    is_snapshot: bool
    """Whether WeChat shows the page to a virtual visitor, whose openid is not that of the user."""
