"""Pushes as WeChat sends them (protocol reference 1.3, 1.4, 2), in every mode and format."""

import time
from dataclasses import dataclass, replace

from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format, render
from wxbus.wechat.documents.document import Document

APPID = "wx0123456789abcdef"
TOKEN = "pushtoken"
AES_KEY = "PushKeyPushKeyPushKeyPushKeyPushKeyPushKeyP"


@dataclass(frozen=True)
class Push:
    """One request: its query and its body."""

    query: dict[str, str]
    body: bytes

    def but(self, **query: str | None) -> "Push":
        """Return the push with query parameters replaced; None removes one."""
        changed = {**self.query, **query}
        return replace(self, query={name: value for name, value in changed.items() if value is not None})


def a_text(content: str = "hello", *, openid: str = "o_user", msg_id: str = "23456789012345678") -> Document:
    """A text message of a user."""
    return {
        "ToUserName": "gh_shop",
        "FromUserName": openid,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": content,
        "MsgId": msg_id,
    }


def a_push(
    document: Document | bytes | None = None,
    *,
    mode: Mode = Mode.SECURE,
    format: Format = Format.XML,  # noqa: A002 - a keyword argument
    token: str = TOKEN,
    aes_key: str = AES_KEY,
    receive_id: str = APPID,
    timestamp: int | None = None,
    nonce: str = "1320562132",
) -> Push:
    """Return a push of a document or of bytes, signed and encrypted for its mode."""
    document = a_text() if document is None else document
    plaintext = document if isinstance(document, bytes) else render(document, format)
    when = str(int(time.time()) if timestamp is None else timestamp)
    query = {"signature": sign(token, when, nonce), "timestamp": when, "nonce": nonce, "openid": "o_user"}
    if mode is Mode.PLAIN:
        return Push(query, plaintext)
    encrypted = Cipher(aes_key, receive_id).encrypt(plaintext)
    outer: Document = {"ToUserName": "gh_shop", "Encrypt": encrypted}
    if mode is Mode.COMPATIBLE and isinstance(document, dict):
        outer = {**document, "Encrypt": encrypted}
    query |= {"encrypt_type": "aes", "msg_signature": sign(token, when, nonce, encrypted)}
    return Push(query, render(outer, format))
