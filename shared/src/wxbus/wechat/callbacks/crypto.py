"""A callback request of WeChat, from its query and body to a document that is proven to be WeChat's.

The rules are those of protocol reference 1.2 to 1.6; what is not exactly as the account is set up is refused, so that
nobody can talk us down to a weaker mode (1.5).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from wxbus.errors import Forbidden, MalformedCallback
from wxbus.wechat.callbacks.keys import CallbackKey, Mode
from wxbus.wechat.callbacks.query import OUTSIDE, CallbackQuery, is_late
from wxbus.wechat.crypto.cipher import FOR_ANOTHER, Cipher
from wxbus.wechat.crypto.signature import matches, sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.messages.identity import is_retried_for_hours

PLAIN_FIELDS: Final = frozenset({"FromUserName", "CreateTime", "MsgType"})
"""Beside `Encrypt` they tell a compatible body from a secure one."""
SEALED_NAMES: Final = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
ROBOT_NAMES: Final = ("encrypt", "msgsignature", "timestamp", "nonce")
"""Of a sealed reply, as WeCom's smart robots want them (not confirmed)."""
CORPID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class VerifiedCallback:
    """A callback that is proven to be WeChat's."""

    document: Document
    format: Format
    """An answer is written in the same one."""
    mode: Mode
    key: CallbackKey
    """The one that fitted."""
    customer: str = ""
    """WeCom suite: the corpid of the customer it was encrypted for, "" for anything else."""


class _Pair:
    """A key made ready for use, once per account."""

    __slots__ = ("cipher", "key", "token")

    def __init__(self, key: CallbackKey, receive_id: str) -> None:
        self.key = key
        self.token = key.token.get_secret_value()
        self.cipher = Cipher(key.aes_key.get_secret_value(), receive_id) if key.aes_key else None


class CallbackCrypto:
    """Opens the callbacks of one account and seals the answers. Built once; holds no state of a request."""

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
        """Make the keys ready.

        Args:
            keys: The pairs to try, the current one first.
            receive_id: What stands at the end of decrypted messages, see `Cipher`.
            modes: The encryption modes the account accepts.
            formats: The formats it accepts, of `Format`.
            wecom: The account is WeCom's: always encrypted, the `echostr` too (protocol reference 1.6).
            provider: WeCom suite: its provider's corpid. What is encrypted for it is taken, too, and what is encrypted
                for the customer that the document names as its receiver (WeCom reference 2.1).

        Raises:
            ValueError: An AES key has the wrong form; the text does not repeat it.
        """
        self._pairs = tuple(_Pair(key, receive_id) for key in keys)
        self._modes = frozenset((Mode.SECURE,) if wecom else modes)
        self._formats = frozenset(formats)
        self._wecom = wecom
        self._receive_ids = {receive_id.encode()} | ({provider.encode()} if provider else set())
        self._has_customers = provider is not None

    def verify_url(self, query: CallbackQuery, *, now: float | None = None, max_age: float | None = None) -> str:
        """Return the body to answer a URL verification with (protocol reference 1.2, WeCom 1.6).

        Raises:
            Forbidden: The signature is wrong, or the request is older than `max_age`, see `open`.
            MalformedCallback: There is no `echostr`.
        """
        is_late(query, now, max_age)
        if self._wecom:
            _, plaintext, receive_id = self._decrypt(query, query.echostr)
            if receive_id not in self._receive_ids:
                raise Forbidden(FOR_ANOTHER)
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
        """Return what a POST holds, after everything that proves it to be WeChat's was checked.

        Args:
            query: Its query.
            body: Its body as it came, already bounded in size.
            now: Our clock, seconds since the epoch.
            max_age: Seconds by which its timestamp may differ from `now`, either way; None: not looked at.
            repeat_age: Seconds for those that WeChat repeats for hours, if encrypted: else anybody could say to be one.

        Raises:
            Forbidden: Signature, encryption, receive id, mode or time is wrong.
            MalformedCallback: The body is not of WeChat's shape, or not in a format the account accepts.
        """
        late = is_late(query, now, max_age, repeat_age)
        form = codec.sniff(body)
        if form not in self._formats:
            raise MalformedCallback(f"this account does not take {form.upper()}")
        if query.msg_signature and (query.encrypt_type == "aes" or self._wecom):
            opened = self._open_encrypted(query, body, form)
            if late and not is_retried_for_hours(opened.document):
                raise Forbidden(OUTSIDE)
            return opened
        if late:
            raise Forbidden(OUTSIDE)
        return self._open_plain(query, body, form)

    def seal(
        self,
        reply_body: bytes,
        format: Format,  # noqa: A002 - a keyword of ours
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
            timestamp: Our clock, seconds since the epoch.
            nonce: That of the push.
            key: A key of this account, such as `VerifiedCallback.key`; None: the current one.
            customer: `VerifiedCallback.customer`.

        Raises:
            ValueError: The account has no such key, or the key has no AES key.
        """
        pair = next((pair for pair in self._pairs if key is None or pair.key == key), None)
        if pair is None or pair.cipher is None:
            raise ValueError("there is no AES key to seal the reply with")
        encrypted = pair.cipher.encrypt(reply_body, receive_id=customer or None)
        signature = sign(pair.token, str(timestamp), nonce, encrypted)
        names = ROBOT_NAMES if self._wecom and format is Format.JSON else SEALED_NAMES
        return codec.render(dict(zip(names, (encrypted, signature, timestamp, nonce), strict=True)), format)

    def _open_plain(self, query: CallbackQuery, body: bytes, form: Format) -> VerifiedCallback:
        if Mode.PLAIN not in self._modes:
            raise Forbidden("not encrypted, but the account does not accept that")
        if query.msg_signature or query.encrypt_type not in {"", "raw"}:
            raise Forbidden("the query is half that of an encrypted message")
        pair = self._check_signature(query)
        document = codec.parse(body)
        if "Encrypt" in document:
            raise Forbidden("encrypted body with the query of a plain message")
        return VerifiedCallback(document, form, Mode.PLAIN, pair.key)

    def _open_encrypted(self, query: CallbackQuery, body: bytes, form: Format) -> VerifiedCallback:
        outer = codec.parse(body)
        mode = Mode.SECURE if PLAIN_FIELDS.isdisjoint(outer) else Mode.COMPATIBLE
        if mode not in self._modes:
            raise Forbidden(f"{mode} mode, but the account does not accept that")
        # WeCom's smart robots write it in lower case (protocol reference 1.4).
        encrypted = text(outer, "Encrypt") or (self._wecom and text(outer, "encrypt")) or ""
        pair, plaintext, receive_id = self._decrypt(query, encrypted)
        # Plain fields that stood beside it are as good as unsigned: only what was encrypted counts.
        document = codec.parse(plaintext)
        if receive_id in self._receive_ids:
            return VerifiedCallback(document, form, mode, pair.key)
        customer = text(document, "ToUserName")
        if customer.encode() != receive_id or not CORPID.fullmatch(customer):
            raise Forbidden(FOR_ANOTHER)
        return VerifiedCallback(document, form, mode, pair.key, customer)

    def _check_signature(self, query: CallbackQuery) -> _Pair:
        for pair in self._pairs:
            if matches(query.signature, pair.token, query.timestamp, query.nonce):
                return pair
        raise Forbidden("signature")

    def _decrypt(self, query: CallbackQuery, encrypted: str) -> tuple[_Pair, bytes, bytes]:
        """Return the key that fitted, the message, and the receive id: one of ours, or of a suite's customer."""
        if not encrypted:
            raise Forbidden("nothing encrypted in an encrypted message")
        failure: Forbidden | None = None
        for pair in self._pairs:
            if pair.cipher and matches(query.msg_signature, pair.token, query.timestamp, query.nonce, encrypted):
                try:
                    plaintext, receive_id = pair.cipher.unseal(encrypted)
                except Forbidden as exc:
                    failure = exc  # the next pair may have the same token and another AES key
                    continue
                if receive_id in self._receive_ids or self._has_customers:
                    return pair, plaintext, receive_id
                failure = Forbidden(FOR_ANOTHER)
        raise failure or Forbidden("msg_signature")
