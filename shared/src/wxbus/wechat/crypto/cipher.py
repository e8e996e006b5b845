"""AES encryption of callbacks and passive replies (protocol reference 2)."""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wxbus.errors import Forbidden

AES_KEY_LENGTH: Final = 43
"""Characters of an EncodingAESKey: 32 bytes in base64 without the final `=`."""
BLOCK: Final = 32
"""Padding block of WeChat in bytes, although AES has blocks of 16."""
AES_BLOCK: Final = 16
PREFIX: Final = 16
"""Random bytes before the length: the first block."""
HEAD: Final = PREFIX + 4
"""Bytes before the message: the random bytes and the length."""
UNDECRYPTABLE: Final = "the message cannot be decrypted"
WRONG_RECEIVE_ID: Final = "the message is encrypted for another receive id"


def is_aes_key(value: str) -> bool:
    """Return whether `value` has the form of an EncodingAESKey."""
    return len(value) == AES_KEY_LENGTH and value.isascii() and value.isalnum()


class Cipher:
    """Encrypts and decrypts with one EncodingAESKey and receive id."""

    def __init__(self, aes_key: str, receive_id: str) -> None:
        """Prepare the key once.

        Args:
            aes_key: EncodingAESKey of the console, 43 letters and digits.
            receive_id: The appid; of a third-party platform its own appid; of WeCom the corpid, the suiteid or "".

        Raises:
            ValueError: `aes_key` is malformed; the error does not contain the key.
        """
        if not is_aes_key(aes_key):
            raise ValueError(f"an EncodingAESKey has {AES_KEY_LENGTH} letters and digits")
        # 43 characters carry two bits more than the key; lenient decoding ignores them.
        key = b64decode(aes_key + "=")
        self._cipher = BlockCipher(AES(key), CBC(key[:16]))
        self._decryptor = self._cipher.decryptor()
        self._receive_id = receive_id.encode()

    def encrypt(self, plaintext: bytes, *, receive_id: str | None = None, random: bytes | None = None) -> str:
        """Return the `Encrypt` text for a message.

        Args:
            plaintext: The message.
            receive_id: Another receive id; None: that of the constructor.
            random: 16 bytes, for test vectors only.
        """
        # Printable like in WeChat's sample library; whether WeChat requires it is not confirmed.
        prefix = secrets.token_hex(PREFIX // 2).encode() if random is None else random
        if len(prefix) != PREFIX:
            raise ValueError(f"random must have {PREFIX} bytes, not {len(prefix)}")
        receiver = self._receive_id if receive_id is None else receive_id.encode()
        full = b"".join((prefix, len(plaintext).to_bytes(4, "big"), plaintext, receiver))
        pad = BLOCK - len(full) % BLOCK
        encryptor = self._cipher.encryptor()
        return b64encode(encryptor.update(full + bytes((pad,)) * pad) + encryptor.finalize()).decode("ascii")

    def decrypt(self, encrypted: str) -> bytes:
        """Return the message of an `Encrypt` text. Check its signature first.

        Raises:
            Forbidden: It is not base64, damaged, encrypted with another key, or for another receive id. The sender
                cannot distinguish these cases.
        """
        message, receive_id = self.decrypt_for_any(encrypted)
        if not hmac.compare_digest(receive_id, self._receive_id):
            raise Forbidden(WRONG_RECEIVE_ID)
        return message

    def decrypt_for_any(self, encrypted: str) -> tuple[bytes, bytes]:
        """Return the message of an `Encrypt` text and its receive id; the caller must check the receive id.

        Raises:
            Forbidden: It is not base64, damaged, or encrypted with another key.
        """
        try:
            ciphertext = binascii.a2b_base64(encrypted, strict_mode=True)
        except ValueError as exc:
            raise Forbidden(UNDECRYPTABLE) from exc
        if not ciphertext or len(ciphertext) % AES_BLOCK:
            raise Forbidden(UNDECRYPTABLE)
        # One decryptor for all messages: creating one costs as much as the rest. CBC without a new IV garbles only the
        # first block of a message, which has the unused random bytes.
        padded = self._decryptor.update(ciphertext)
        pad = padded[-1]
        end = len(padded) - pad
        stop = HEAD + int.from_bytes(padded[PREFIX:HEAD], "big")
        if not 1 <= pad <= BLOCK or stop > end:
            raise Forbidden(UNDECRYPTABLE)
        return padded[HEAD:stop], padded[stop:end]
