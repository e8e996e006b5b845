"""What WeChat gives for a while: tokens and tickets."""

from dataclasses import dataclass, field

from wxbus.api.http import JsonObject
from wxbus.errors import WeChatUnavailable


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """A token or ticket as WeChat gave it."""

    value: str = field(repr=False)
    expires_in: int
    """Seconds from the answer on; 7200 at most."""
    refresh_token: str | None = field(default=None, repr=False)
    """Of an authoriser: replaces the one it was fetched with (protocol reference 8.3)."""


def fetched(path: str, answer: JsonObject, name: str) -> FetchedToken:
    """Return what an answer holds under `name`.

    Raises:
        WeChatUnavailable: It is not there, or there is no time for which it is valid.
    """
    expires_in = answer.get("expires_in")
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdigit():
        expires_in = int(expires_in)
    if not isinstance(expires_in, int) or expires_in <= 0:
        raise WeChatUnavailable(f"{path}: the answer has no expires_in")
    return FetchedToken(text_of(path, answer, name), expires_in)


def text_of(path: str, answer: JsonObject, name: str) -> str:
    """Return a text that an answer must have; raises WeChatUnavailable."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise WeChatUnavailable(f"{path}: the answer has no {name}")
    return value
