"""Logins of Mini Program users: codes for one use, and the last session key of each user (protocol reference 10)."""

import base64
import hashlib
import secrets
from collections import defaultdict
from dataclasses import dataclass

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import Quota
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


@dataclass(frozen=True, slots=True)
class WebUser:
    """A user of a web page, with the user's tokens."""

    appid: str
    openid: str
    unionid: str
    access_token: str
    refresh_token: str


class Logins:
    """The login codes of all accounts, of Mini Programs and web pages."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.js_code_lifetime
        self._codes: dict[str, _Code] = {}
        self._per_minute = rules.logins_per_minute
        self._minutes: defaultdict[tuple[str, str], Quota] = defaultdict(lambda: Quota(60))
        self._session_keys: dict[tuple[str, str], str] = {}
        self._web_users: list[WebUser] = []

    def begin(self, appid: str, openid: str) -> str:
        """Return a code for a user who opens the Mini Program."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(appid, openid, self._clock.now() + self._lifetime)
        return code

    def exchange(self, appid: str, code: str) -> Session:
        """Return the session of a code.

        Raises:
            ApiError: 40029: unknown, expired, or of another account; 40163: used before; 45011: the user has logged
                in too often in this minute.
        """
        openid = self._use(appid, code)
        if not self._minutes[appid, openid].take(self._clock.now(), self._per_minute):
            raise ApiError(45011)
        return Session(openid, self.renew_key(appid, openid), unionid_of(openid))

    def session_key(self, appid: str, openid: str) -> str | None:
        """Return the user's session key, None before the first login."""
        return self._session_keys.get((appid, openid))

    def renew_key(self, appid: str, openid: str) -> str:
        """Return a new session key of the user, which replaces the previous one."""
        key = self._session_keys[appid, openid] = base64.b64encode(secrets.token_bytes(16)).decode()
        return key

    def exchange_web(self, appid: str, code: str) -> WebUser:
        """Return the user of a web page; raises as `exchange` does."""
        openid = self._use(appid, code)
        user = WebUser(appid, openid, unionid_of(openid), *(f"99_{secrets.token_urlsafe(96)}" for _ in range(2)))
        self._web_users.append(user)
        return user

    def refresh_web(self, appid: str, refresh_token: str) -> WebUser:
        """Return the user of a refresh token; raises ApiError 40030 if there is none."""
        for user in self._web_users:
            if (user.appid, user.refresh_token) == (appid, refresh_token):
                return user
        raise ApiError(40030)

    def web_user(self, access_token: str, openid: str) -> WebUser:
        """Return the user of an access token; raises ApiError 40014 or 40003 if there is none."""
        user = next((user for user in self._web_users if user.access_token == access_token), None)
        if user is None:
            raise ApiError(40014)
        if user.openid != openid:
            raise ApiError(40003)
        return user

    def reset(self) -> None:
        """Remove all codes, keys and users."""
        self._codes.clear()
        self._minutes.clear()
        self._session_keys.clear()
        self._web_users.clear()

    def _use(self, appid: str, code: str) -> str:
        found = self._codes.get(code)
        if found is None or found.appid != appid or self._clock.now() >= found.until:
            raise ApiError(40029)
        if found.used:
            raise ApiError(40163)
        found.used = True
        return found.openid


def unionid_of(openid: str) -> str:
    """Return the user's id in the Open Platform account."""
    return f"u{hashlib.sha256(openid.encode()).hexdigest()[:27]}"
