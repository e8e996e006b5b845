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
    """Return the open data a Mini Program's page got encrypted (user, phone number, steps ...), with its watermark.

    All three texts are base64 as WeChat gave them; the session key must be that of the login before the data was
    asked for (protocol reference 10).

    Raises:
        Forbidden: It cannot be decrypted, or its watermark is of another appid.
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
        raise Forbidden("the user data is no JSON object")
    watermark = data.get("watermark")
    if not isinstance(watermark, dict) or watermark.get("appid") != appid:
        raise Forbidden("the user data is of another appid")
    return data


def raw_data_matches(signature: str, raw_data: str, session_key: str) -> bool:
    """Return whether a page's `rawData`, byte for byte as it sent it, has this signature (protocol reference 10)."""
    joined = (raw_data + session_key).encode("utf-8", "surrogatepass")
    expected = sha1(joined, usedforsecurity=False).hexdigest()  # the protocol fixes SHA-1
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), expected.encode())


def session_signature(session_key: str) -> str:
    """Return the signature that `/wxa/checksession` wants: HMAC-SHA256 of nothing (protocol reference 10)."""
    return hmac.digest(session_key.encode(), b"", "sha256").hex()
