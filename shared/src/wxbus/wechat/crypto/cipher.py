"""AES encryption of callbacks and passive replies (protocol reference 2)."""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wxbus.errors import Forbidden

AES_KEY_LENGTH = 43
"""Characters of an EncodingAESKey: 32 bytes in base64 without its `=`."""

BLOCK = 32
"""Bytes to which WeChat pads, although AES has blocks of 16."""

PREFIX = 16
"""Random bytes before the length."""

FOR_ANOTHER = "the message is encrypted for another receive id"

HEAD = PREFIX + 4
"""Bytes before the message: the random ones and its length."""


class Cipher:
    """Encrypts and decrypts for one pair of EncodingAESKey and receive id."""

    def __init__(self, aes_key: str, receive_id: str) -> None:
        """Prepare the key once.

        Args:
            aes_key: EncodingAESKey of the console, 43 letters and digits.
            receive_id: The appid; a third-party platform's own appid; WeCom: corpid, suiteid or "".

        Raises:
            ValueError: `aes_key` is none; the text does not repeat it.
        """
        if len(aes_key) != AES_KEY_LENGTH or not (aes_key.isascii() and aes_key.isalnum()):
            raise ValueError(f"an EncodingAESKey has {AES_KEY_LENGTH} letters and digits")
        # 43 characters carry two bits more than a key has: decoded leniently, whatever they are.
        key = b64decode(aes_key + "=")
        self._cipher = BlockCipher(AES(key), CBC(key[:16]))
        self._receive_id = receive_id.encode()

    def encrypt(self, plaintext: bytes, *, receive_id: str | None = None, random: bytes | None = None) -> str:
        """Return the `Encrypt` text for a message.

        Args:
            plaintext: The message.
            receive_id: For whom; None: the one this was made with.
            random: 16 bytes, for known answers only.
        """
        # Printable, as the sample library has it: whether WeChat insists on that is not confirmed.
        prefix = secrets.token_hex(PREFIX // 2).encode() if random is None else random
        if len(prefix) != PREFIX:
            raise ValueError(f"random must have {PREFIX} bytes, not {len(prefix)}")
        receiver = self._receive_id if receive_id is None else receive_id.encode()
        full = b"".join((prefix, len(plaintext).to_bytes(4, "big"), plaintext, receiver))
        pad = BLOCK - len(full) % BLOCK
        encryptor = self._cipher.encryptor()
        return b64encode(encryptor.update(full + bytes((pad,)) * pad) + encryptor.finalize()).decode("ascii")

    def decrypt(self, encrypted: str) -> bytes:
        """Return the message inside an `Encrypt` text. Check its signature first.

        Raises:
            Forbidden: It is not base64, not ours, damaged, or for another receive id: all look the same to a sender.
        """
        message, receive_id = self.unseal(encrypted)
        if not hmac.compare_digest(receive_id, self._receive_id):
            raise Forbidden(FOR_ANOTHER)
        return message

    def unseal(self, encrypted: str) -> tuple[bytes, bytes]:
        """Return the message inside an `Encrypt` text and the receive id behind it, which the caller has to check.

        Raises:
            Forbidden: It is not base64, not ours or damaged.
        """
        try:
            ciphertext = binascii.a2b_base64(encrypted, strict_mode=True)
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(ciphertext) + decryptor.finalize()
        except ValueError as exc:
            raise Forbidden("the message cannot be decrypted") from exc
        pad = padded[-1] if padded else 0
        end = len(padded) - pad
        start, stop = HEAD, HEAD + int.from_bytes(padded[PREFIX:HEAD], "big")
        if not 1 <= pad <= BLOCK or stop > end:
            raise Forbidden("the message cannot be decrypted")
        return padded[start:stop], padded[stop:end]
