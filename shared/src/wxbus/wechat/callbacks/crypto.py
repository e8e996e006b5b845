"""Verifies and decrypts callback requests, and encrypts passive replies (protocol reference 1.2 to 1.6 and 2.1).

A request that does not match the account's settings is rejected, so no sender can downgrade the encryption mode (1.5).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from wxbus.errors import Forbidden, MalformedCallback
from wxbus.telemetry import mark
from wxbus.wechat.callbacks.keys import CallbackKey, Mode
from wxbus.wechat.callbacks.query import OUTSIDE_WINDOW, CallbackQuery, is_late
from wxbus.wechat.crypto.cipher import WRONG_RECEIVE_ID, Cipher
from wxbus.wechat.crypto.signature import matches, sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.documents.flat_xml import read_sealed
from wxbus.wechat.messages.identity import is_retried_for_hours

PLAIN_FIELDS: Final = frozenset({"FromUserName", "CreateTime", "MsgType"})
"""A body that has one of them next to `Encrypt` is in compatible mode, otherwise in secure mode."""
SEALED_NAMES: Final = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
ROBOT_NAMES: Final = ("encrypt", "msgsignature", "timestamp", "nonce")
"""Member names of an encrypted reply to WeCom's smart robots (not confirmed)."""
CORPID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)  # not frozen: that makes it several times as slow to create
class VerifiedCallback:
    """A decoded callback whose sender is verified."""

    document: Document
    format: Format
    """Format of the body; the reply uses the same one."""
    mode: Mode
    key: CallbackKey
    """The key that verified it."""
    customer: str = ""
    """WeCom suite: corpid of the customer that the message is encrypted for; otherwise ""."""


class _PreparedKey:
    __slots__ = ("cipher", "key", "token")

    def __init__(self, key: CallbackKey, receive_id: str) -> None:
        self.key = key
        self.token = key.token.get_secret_value()
        self.cipher = Cipher(key.aes_key.get_secret_value(), receive_id) if key.aes_key else None


class CallbackCrypto:
    """Verifies, decrypts and encrypts for one account. It holds no state of a request."""

    def __init__(
        self,
        keys: Sequence[CallbackKey],
        receive_id: str,
        modes: Collection[Mode],
        formats: Collection[str],
        *,
        wecom: bool = False,
        provider: str | None = None,
    ) -> None:
        """Prepare the keys.

        Args:
            keys: The keys to try, the current one first.
            receive_id: The id at the end of decrypted messages, see `Cipher`.
            modes: The encryption modes that the account accepts.
            formats: The formats that the account accepts, see `Format`.
            wecom: The account belongs to WeCom, which encrypts everything including `echostr` (protocol reference 1.6).
            provider: WeCom suite: corpid of its provider. Messages for the provider are accepted, and messages for the
                customer that the document names in `ToUserName` (WeCom reference 2.1).

        Raises:
            ValueError: An AES key is malformed; the error does not contain the key.
        """
        self._keys = tuple(_PreparedKey(key, receive_id) for key in keys)
        self._modes = frozenset((Mode.SECURE,) if wecom else modes)
        self._formats = frozenset(formats)
        self._wecom = wecom
        self._receive_ids = {receive_id.encode()} | ({provider.encode()} if provider else set())
        self._has_customers = provider is not None

    def verify_url(self, query: CallbackQuery, *, now: float | None = None, max_age: float | None = None) -> str:
        """Return the response body to a URL verification (protocol reference 1.2, WeCom 1.6).

        Raises:
            Forbidden: The signature is wrong, or the request is older than `max_age`, see `open`.
            MalformedCallback: `echostr` is missing.
        """
        is_late(query, now, max_age)
        if self._wecom:
            _, plaintext, receive_id = self._decrypt(query, query.echostr)
            if receive_id not in self._receive_ids:
                raise Forbidden(WRONG_RECEIVE_ID)
            return plaintext.decode("utf-8", "replace")
        self._check_signature(query)
        if not query.echostr:
            raise MalformedCallback("the query has no echostr")
        return query.echostr

    def open(
        self,
        query: CallbackQuery,
        body: bytes,
        *,
        now: float | None = None,
        max_age: float | None = None,
        repeat_age: float = 0.0,
    ) -> VerifiedCallback:
        """Return the verified and decrypted content of a POST request.

        Args:
            query: The query of the request.
            body: The raw body; the caller limits its size.
            now: Current time in seconds since the epoch.
            max_age: Seconds by which the timestamp may differ from `now` in either direction; None: not checked.
            repeat_age: The maximum age in seconds of pushes that WeChat retries for hours. It applies to encrypted
                requests only, because the content of others is not authenticated.

        Raises:
            Forbidden: Signature, encryption, receive id, mode or time is wrong.
            MalformedCallback: The body is not of WeChat's shape, or not in a format that the account accepts.
        """
        late = is_late(query, now, max_age, repeat_age)
        form = codec.sniff(body)
        if form not in self._formats:
            raise MalformedCallback(f"this account does not accept {form.upper()}")
        if query.msg_signature and (query.encrypt_type == "aes" or self._wecom):
            opened = self._open_encrypted(query, body, form)
            if late and not is_retried_for_hours(opened.document):
                raise Forbidden(OUTSIDE_WINDOW)
            return opened
        if late:
            raise Forbidden(OUTSIDE_WINDOW)
        return self._open_plain(query, body, form)

    def seal(
        self,
        reply_body: bytes,
        format: Format,  # noqa: A002 - a keyword argument
        *,
        timestamp: int,
        nonce: str,
        key: CallbackKey | None = None,
        customer: str = "",
    ) -> bytes:
        """Return the encrypted and signed form of a passive reply (protocol reference 2.1). Never seal "success".

        Args:
            reply_body: The rendered reply.
            format: The format of the push.
            timestamp: Current time in seconds since the epoch.
            nonce: The nonce of the push.
            key: A key of this account, such as `VerifiedCallback.key`; None: the current one.
            customer: `VerifiedCallback.customer`.

        Raises:
            ValueError: The account does not have this key, or the key has no AES key.
        """
        prepared = next((candidate for candidate in self._keys if key is None or candidate.key == key), None)
        if prepared is None or prepared.cipher is None:
            raise ValueError("there is no AES key to encrypt the reply with")
        encrypted = prepared.cipher.encrypt(reply_body, receive_id=customer or None)
        signature = sign(prepared.token, str(timestamp), nonce, encrypted)
        names = ROBOT_NAMES if self._wecom and format is Format.JSON else SEALED_NAMES
        return codec.render(dict(zip(names, (encrypted, signature, timestamp, nonce), strict=True)), format)

    def _open_plain(self, query: CallbackQuery, body: bytes, form: Format) -> VerifiedCallback:
        if Mode.PLAIN not in self._modes:
            raise Forbidden("not encrypted, but the account requires encryption")
        if query.msg_signature or query.encrypt_type not in {"", "raw"}:
            raise Forbidden("the query has only some parameters of an encrypted message")
        prepared = self._check_signature(query)
        document = codec.parse(body)
        if "Encrypt" in document:
            raise Forbidden("encrypted body with the query of a plain message")
        return VerifiedCallback(document, form, Mode.PLAIN, prepared.key)

    def _open_encrypted(self, query: CallbackQuery, body: bytes, form: Format) -> VerifiedCallback:
        mode, encrypted = self._sealed(body)
        if mode not in self._modes:
            raise Forbidden(f"{mode} mode, but the account does not accept it")
        prepared, plaintext, receive_id = self._decrypt(query, encrypted)
        # The plain fields of compatible mode are not signed, so only the decrypted document is used.
        document = codec.parse(plaintext)
        mark("parsed")
        if receive_id in self._receive_ids:
            return VerifiedCallback(document, form, mode, prepared.key)
        customer = text(document, "ToUserName")
        if customer.encode() != receive_id or not CORPID.fullmatch(customer):
            raise Forbidden(WRONG_RECEIVE_ID)
        return VerifiedCallback(document, form, mode, prepared.key, customer)

    def _sealed(self, body: bytes) -> tuple[Mode, str]:
        """Return the mode of an encrypted body, and its encrypted text, "" without one."""
        if encrypted := read_sealed(body):
            return Mode.SECURE, encrypted
        outer = codec.parse(body)
        mode = Mode.SECURE if PLAIN_FIELDS.isdisjoint(outer) else Mode.COMPATIBLE
        # WeCom's smart robots write the name in lower case (protocol reference 1.4).
        return mode, text(outer, "Encrypt") or (self._wecom and text(outer, "encrypt")) or ""

    def _check_signature(self, query: CallbackQuery) -> _PreparedKey:
        for prepared in self._keys:
            if matches(query.signature, prepared.token, query.timestamp, query.nonce):
                mark("verified")
                return prepared
        raise Forbidden("signature")

    def _decrypt(self, query: CallbackQuery, encrypted: str) -> tuple[_PreparedKey, bytes, bytes]:
        """Return the matching key, the message, and its receive id: the account's own or that of a suite's customer."""
        if not encrypted:
            raise Forbidden("nothing encrypted in an encrypted message")
        failure: Forbidden | None = None
        for prepared in self._keys:
            if prepared.cipher and matches(
                query.msg_signature, prepared.token, query.timestamp, query.nonce, encrypted
            ):
                mark("verified")
                try:
                    plaintext, receive_id = prepared.cipher.decrypt_for_any(encrypted)
                except Forbidden as exc:
                    failure = exc  # the next key may have the same token and another AES key
                    continue
                mark("decrypted")
                if receive_id in self._receive_ids or self._has_customers:
                    return prepared, plaintext, receive_id
                failure = Forbidden(WRONG_RECEIVE_ID)
        raise failure or Forbidden("msg_signature")
