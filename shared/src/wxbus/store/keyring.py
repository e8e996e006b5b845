"""The keys that encrypt stored secrets: AES-256-GCM; each encrypted value names its key.

Keys are changed without a pause: give every instance the new key as its second key, then as its first key, and remove
the old key once no value of its time is left.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AfterValidator, SecretStr

from wxbus.errors import ConfigurationError, WxbusError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class DecryptionError(WxbusError):
    """A value that none of the keys decrypts, or that was encrypted for another context."""


class Keyring:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._digest_keys = {key_id: hmac.digest(key, b"wxbus fingerprint", "sha256") for key_id, key in keys.items()}
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

    def encrypt(self, value: str, *, context: str) -> bytes:
        """Return `value` encrypted; it decrypts only with the same `context`, so not for another account."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        encrypted = self._keys[self._current].encrypt(nonce, value.encode(), context.encode())
        return self._current.encode() + b":" + nonce + encrypted

    def uses_current_key(self, encrypted: bytes) -> bool:
        """Return whether a value was encrypted with the first key."""
        return encrypted.partition(b":")[0] == self._current.encode()

    def fingerprints(self, value: str, *, context: str) -> tuple[str, ...]:
        """Return texts by which an encrypted value is found: first the current key's, then those of the other keys.

        They are keyed hashes (HMAC-SHA256): values of a small set, like phone numbers, cannot be found by trial.
        """
        message = f"{context}:{value}".encode()
        keys = self._digest_keys.items()
        return tuple(f"{key_id}:{hmac.digest(key, message, 'sha256').hex()}" for key_id, key in keys)

    def decrypt(self, encrypted: bytes, *, context: str) -> str:
        """Return the value.

        Raises:
            DecryptionError: The keyring does not have its key, it was changed, or it belongs to another context.
        """
        key_id, _, rest = encrypted.partition(b":")
        key = self._keys.get(key_id.decode(errors="replace"))
        if key is None:
            raise DecryptionError("encrypted with a key that is not among the encryption keys")
        try:
            return key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError) as exc:
            raise DecryptionError("changed, or encrypted for another context") from exc


def new_encryption_key(key_id: str) -> str:
    """Return a new key in the form that `Keyring.parse` reads."""
    if not KEY_ID.fullmatch(key_id):
        raise ConfigurationError("the id of an encryption key has up to 32 letters, digits, _ . -")
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _checked(keys: SecretStr) -> SecretStr:
    try:
        Keyring.parse(keys.get_secret_value())
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from None
    return keys


EncryptionKeys: TypeAlias = Annotated[SecretStr, AfterValidator(_checked)]
"""A setting with the text of `Keyring.parse`."""
