"""Log-ins of Mini Program users: codes that can be used once (protocol reference 10)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.settings import Rules


@dataclass(slots=True)
class _Code:
    appid: str
    openid: str
    until: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """What a code is exchanged for."""

    openid: str
    session_key: str
    unionid: str


class Logins:
    """Codes of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.js_code_lifetime
        self._codes: dict[str, _Code] = {}

    def begin(self, appid: str, openid: str) -> str:
        """Return a code for a user who has just opened the Mini Program."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(appid, openid, self._clock.now() + self._lifetime)
        return code

    def exchange(self, appid: str, code: str) -> Session:
        """Return the session of a code.

        Raises:
            Refusal: 40029: unknown, lapsed, or another account's; 40163: used before.
        """
        found = self._codes.get(code)
        if found is None or found.appid != appid or self._clock.now() >= found.until:
            raise Refusal(40029)
        if found.used:
            raise Refusal(40163)
        found.used = True
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        return Session(found.openid, key, f"u{hashlib.sha256(found.openid.encode()).hexdigest()[:27]}")

    def reset(self) -> None:
        """Forget all codes."""
        self._codes.clear()
