"""The data that users share with a page: profile and phone number, encrypted and by code (protocol reference 10)."""

import base64
import json
import secrets
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.logins import Logins, unionid_of
from wxbus_sandbox.rules.responses import ApiError

CODE_LIFETIME: Final = 300.0
"""Seconds for which a phone code is valid."""
COUNTRY_CODE: Final = "86"


@dataclass(frozen=True, slots=True)
class SharedData:
    """The data that a page receives and sends to its server."""

    encrypted_data: str
    iv: str
    raw_data: str
    signature: str


@dataclass(slots=True)
class _PhoneCode:
    appid: str
    openid: str
    number: str
    until: float
    used: bool = False


class UserData:
    """The data that users share, encrypted with the session key of their last login."""

    def __init__(self, clock: Clock, logins: Logins) -> None:
        self._clock = clock
        self._logins = logins
        self._codes: dict[str, _PhoneCode] = {}

    def profile(self, appid: str, openid: str, nickname: str) -> SharedData:
        """Return the profile that a user shares; raises ApiError 87009 before the first login."""
        shown = {"nickName": nickname, "gender": 1, "language": "zh_CN", "city": "", "province": "", "country": ""}
        shown["avatarUrl"] = "https://thirdwx.qlogo.cn/mmopen/sandbox/132"
        raw = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        return self._shared(appid, openid, {**shown, "openId": openid, "unionId": unionid_of(openid)}, raw)

    def phone(self, appid: str, openid: str, number: str) -> tuple[str, SharedData]:
        """Return the code of the phone button, and the older encrypted form; raises ApiError 87009 as `profile`."""
        code = secrets.token_hex(32)
        self._codes[code] = _PhoneCode(appid, openid, number, self._clock.now() + CODE_LIFETIME)
        return code, self._shared(appid, openid, phone_fields(number), "{}")

    def exchange(self, appid: str, code: str, openid: str | None) -> str:
        """Return the phone number of a code; raises ApiError 40029 for a wrong, used or expired one."""
        found = self._codes.get(code)
        if found is None or found.appid != appid or found.used or self._clock.now() >= found.until:
            raise ApiError(40029)
        if openid not in (None, found.openid):
            raise ApiError(40029)
        found.used = True
        return found.number

    def watermark(self, appid: str) -> dict[str, Any]:
        """Return the watermark of shared data: the time, and the appid that may use it."""
        return {"timestamp": int(self._clock.wall()), "appid": appid}

    def reset(self) -> None:
        """Remove all codes."""
        self._codes.clear()

    def _shared(self, appid: str, openid: str, data: dict[str, Any], raw: str) -> SharedData:
        session_key = self._logins.session_key(appid, openid)
        if session_key is None:
            raise ApiError(87009)
        text = json.dumps({**data, "watermark": self.watermark(appid)}, ensure_ascii=False).encode()
        iv = secrets.token_bytes(16)
        padder = padding.PKCS7(AES.block_size).padder()
        encryptor = Cipher(AES128(base64.b64decode(session_key)), CBC(iv)).encryptor()
        encrypted = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
        signature = sha1((raw + session_key).encode(), usedforsecurity=False).hexdigest()
        return SharedData(base64.b64encode(encrypted).decode(), base64.b64encode(iv).decode(), raw, signature)


def phone_fields(number: str) -> dict[str, str]:
    """Return a phone number as WeChat writes it."""
    return {"phoneNumber": number, "purePhoneNumber": number, "countryCode": COUNTRY_CODE}
