"""The keys under which tokens lie in Redis: AES-256-GCM, each sealed value names its key.

Keys are changed without a pause: put the new key first, restart the instances one by one (each reads with any key it
has, so give all of them the new one second before), and take the old one away once no token of its time is left.
Accounts and API keys that were added at run time are sealed anew by the first instance that has the new key first.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wxbus.errors import ConfigurationError, WxbusError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class Unsealable(WxbusError):
    """A sealed value that none of our keys opens, or that belongs to something else."""


class Keyring:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Return the keys of `id:base64,id:base64`, the current one first.

        Raises:
            ConfigurationError: The text is not of that form; it is not shown.
        """
        keys: dict[str, bytes] = {}
        for number, part in enumerate(text.split(","), start=1):
            key_id, _, encoded = part.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise ConfigurationError(f"encryption key {number} must be `id:` and {KEY_BYTES} bytes in base64")
            if key_id in keys:
                raise ConfigurationError(f"two encryption keys have the id {key_id}")
            keys[key_id] = key
        return cls(keys)

    def seal(self, value: str, *, about: str) -> bytes:
        """Return `value` sealed; it opens only for the same `about` (no value passes for another account's)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(nonce, value.encode(), about.encode())
        return self._current.encode() + b":" + nonce + sealed

    def is_current(self, sealed: bytes) -> bool:
        """Say whether it was sealed with the first key."""
        return sealed.partition(b":")[0] == self._current.encode()

    def open(self, sealed: bytes, *, about: str) -> str:
        """Return what was sealed.

        Raises:
            Unsealable: We have not its key, it was changed, or it is about something else.
        """
        key_id, _, rest = sealed.partition(b":")
        key = self._keys.get(key_id.decode(errors="replace"))
        if key is None:
            raise Unsealable("sealed under a key that is not in WXBUS_TOKEN_ENCRYPTION_KEYS")
        try:
            return key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError) as exc:
            raise Unsealable("changed, or sealed for something else") from exc


def new_encryption_key(key_id: str) -> str:
    """Return a new key in the form that `Keyring.parse` reads."""
    if not KEY_ID.fullmatch(key_id):
        raise ConfigurationError("the id of a encryption key has up to 32 letters, digits, _ . -")
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
