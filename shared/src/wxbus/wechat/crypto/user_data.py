"""The signed and encrypted user data of Mini Programs (protocol reference 10)."""

import binascii
import hmac
import json
from hashlib import sha1
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wxbus.errors import Forbidden


def decrypt_user_data(session_key: str, iv: str, encrypted_data: str, appid: str) -> dict[str, Any]:
    """Return the decrypted open data of a Mini Program's user (profile, phone number, steps ...) with its watermark.

    Args:
        session_key: Base64, of the login before the page requested the data (protocol reference 10).
        iv: Base64, from the page.
        encrypted_data: Base64, from the page.
        appid: The Mini Program.

    Raises:
        Forbidden: It cannot be decrypted, or its watermark has another appid.
    """
    try:
        key, vector, ciphertext = (
            binascii.a2b_base64(part, strict_mode=True) for part in (session_key, iv, encrypted_data)
        )
        decryptor = Cipher(AES128(key), CBC(vector)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        unpadder = padding.PKCS7(AES.block_size).unpadder()
        data: Any = json.loads(unpadder.update(padded) + unpadder.finalize())
    except (ValueError, RecursionError) as exc:
        raise Forbidden("the user data cannot be decrypted") from exc
    if not isinstance(data, dict):
        raise Forbidden("the user data is not a JSON object")
    watermark = data.get("watermark")
    if not isinstance(watermark, dict) or watermark.get("appid") != appid:
        raise Forbidden("the user data belongs to another appid")
    return data


def raw_data_matches(signature: str, raw_data: str, session_key: str) -> bool:
    """Return whether `signature` is that of a page's `rawData`, which must be unchanged (protocol reference 10)."""
    joined = (raw_data + session_key).encode("utf-8", "surrogatepass")
    expected = sha1(joined, usedforsecurity=False).hexdigest()  # the protocol requires SHA-1
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), expected.encode())


def session_signature(session_key: str) -> str:
    """Return the signature for `/wxa/checksession`: HMAC-SHA256 of the empty string (protocol reference 10)."""
    return hmac.digest(session_key.encode(), b"", "sha256").hex()
