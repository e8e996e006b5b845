"""Logins of Mini Program users: codes for one use, and the last session key of each user (protocol reference 10)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.settings import Rules


@dataclass(slots=True)
class _Code:
    appid: str
    openid: str
    until: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """The session for which a code is exchanged."""

    openid: str
    session_key: str
    unionid: str


class Logins:
    """The login codes of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.js_code_lifetime
        self._codes: dict[str, _Code] = {}
        self._session_keys: dict[tuple[str, str], str] = {}

    def begin(self, appid: str, openid: str) -> str:
        """Return a code for a user who opens the Mini Program."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(appid, openid, self._clock.now() + self._lifetime)
        return code

    def exchange(self, appid: str, code: str) -> Session:
        """Return the session of a code.

        Raises:
            ApiError: 40029: unknown, expired, or of another account; 40163: used before.
        """
        found = self._codes.get(code)
        if found is None or found.appid != appid or self._clock.now() >= found.until:
            raise ApiError(40029)
        if found.used:
            raise ApiError(40163)
        found.used = True
        return Session(found.openid, self.renew_key(appid, found.openid), unionid_of(found.openid))

    def session_key(self, appid: str, openid: str) -> str | None:
        """Return the user's session key, None before the first login."""
        return self._session_keys.get((appid, openid))

    def renew_key(self, appid: str, openid: str) -> str:
        """Return a new session key of the user, which replaces the one before."""
        key = self._session_keys[appid, openid] = base64.b64encode(secrets.token_bytes(16)).decode()
        return key

    def reset(self) -> None:
        """Remove all codes and keys."""
        self._codes.clear()
        self._session_keys.clear()


def unionid_of(openid: str) -> str:
    """Return the unionid of a user."""
    return f"u{hashlib.sha256(openid.encode()).hexdigest()[:27]}"
