"""Signs and encrypts pushes (protocol reference 1.3, 1.4, 1.6, 2)."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import ConfigurationError
from wxbus.wechat.callbacks.keys import CallbackKey, Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.messages.identity import openid_of
from wxbus_sandbox.pushes.composer import Push, renderable, scalars

OUTER: Final = frozenset({"ToUserName", "AppId", "AgentID"})
"""The fields beside `Encrypt` in a secure body."""
CONTENT_TYPES: Final = {Format.XML: "text/xml", Format.JSON: "application/json"}


@dataclass(frozen=True, slots=True)
class EncodedPush:
    """The request of one attempt."""

    query: dict[str, str]
    body: bytes
    content_type: str
    plain: bytes
    """The body before its encryption."""


class PushEncoder:
    """Signs and encrypts the pushes to one account."""

    def __init__(self, account: Account, *, wrong_key: bool = False) -> None:
        """Use the account's current key; with `wrong_key` its previous one, or an unknown one.

        Raises:
            ConfigurationError: The account has no token, so it has no callbacks.
        """
        if not account.keys:
            raise ConfigurationError(f"account {account.name} has no token, so it has no callbacks")
        key = _other_key(account) if wrong_key else account.keys[0]
        self.token = key.token.get_secret_value()
        self.cipher = Cipher(key.aes_key.get_secret_value(), account.effective_receive_id) if key.aes_key else None
        self._kind = account.kind
        self._name = account.name

    def encode(self, push: Push, mode: Mode, form: Format, *, now: float) -> EncodedPush:
        """Return the request of one attempt, with a new nonce and new signatures.

        Raises:
            ConfigurationError: The mode needs an AES key and the account has none.
        """
        document = {name: renderable(value, form) for name, value in push.items()}
        plain = codec.render(document, form)
        query = self._signed(now)
        openid = openid_of(scalars(push))
        wecom = self._kind is AccountKind.WECOM
        if openid and not wecom and self._kind is not AccountKind.COMPONENT:
            query["openid"] = openid
        if mode is not Mode.PLAIN:
            encrypted = self._encrypt(plain)
            signature = sign(self.token, query["timestamp"], query["nonce"], encrypted)
            if wecom:
                del query["signature"]
            else:
                query["encrypt_type"] = "aes"
            query["msg_signature"] = signature
            if mode is Mode.SECURE:
                document = {name: value for name, value in document.items() if name in OUTER}
            document["encrypt" if wecom and form is Format.JSON else "Encrypt"] = encrypted
        body = plain if mode is Mode.PLAIN else codec.render(document, form)
        return EncodedPush(query, body, CONTENT_TYPES[form], plain)

    def verification(self, *, now: float) -> tuple[dict[str, str], str]:
        """Return the query of a URL verification and the expected response (protocol reference 1.2)."""
        query, echo = self._signed(now), str(secrets.randbelow(10**19))
        if self._kind is not AccountKind.WECOM:
            return {**query, "echostr": echo}, echo
        encrypted = self._encrypt(echo.encode())
        del query["signature"]
        signature = sign(self.token, query["timestamp"], query["nonce"], encrypted)
        return {**query, "msg_signature": signature, "echostr": encrypted}, echo

    def _signed(self, now: float) -> dict[str, str]:
        timestamp, nonce = str(int(now)), str(secrets.randbelow(10**9) + 10**9)
        return {"signature": sign(self.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}

    def _encrypt(self, plaintext: bytes) -> str:
        if self.cipher is None:
            raise ConfigurationError(f"account {self._name} has no aes_key, so only plain mode is possible")
        return self.cipher.encrypt(plaintext)


def _other_key(account: Account) -> CallbackKey:
    """Return the key before the current one, if there is one; else an unknown one."""
    current, *previous = account.keys
    if previous:
        return previous[0]
    unknown = base64.b64encode(hashlib.sha256(f"another key of {account.appid}".encode()).digest()).decode()[:43]
    return CallbackKey(token=current.token, aes_key=SecretStr(re.sub(r"[+/]", "A", unknown)))
