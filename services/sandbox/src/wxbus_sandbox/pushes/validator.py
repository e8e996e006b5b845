"""Validates responses to pushes as WeChat does (protocol reference 4.3, 4.4, 7 and 2.1)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import CallbackRejected, WxbusError
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.signature import matches
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.documents.document import Document, Value, text
from wxbus.wechat.messages.identity import openid_of
from wxbus.wechat.messages.system_events import MINIGAME_PREFIX, RESULT_EVENTS
from wxbus_sandbox.models import Outcome
from wxbus_sandbox.pushes.composer import Push, scalars
from wxbus_sandbox.pushes.encoder import PushEncoder
from wxbus_sandbox.settings import Rules

ACKNOWLEDGEMENTS: Final = frozenset({b"", b"success"})
MEDIA: Final = {"image": ("Image", "MediaId"), "voice": ("Voice", "MediaId"), "video": ("Video", "MediaId")}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a validation."""

    outcome: Outcome
    reason: str = ""
    reply: Document | None = None


class _Invalid(WxbusError):
    """The response is not allowed; the text says why."""


class ReplyValidator:
    """Validates the responses of one account."""

    def __init__(
        self, account: Account, encoder: PushEncoder, rules: Rules, is_valid_media: Callable[[str], bool]
    ) -> None:
        """`is_valid_media` returns whether an id belongs to valid media of this account."""
        self._kind = account.kind
        self._encoder = encoder
        self._rules = rules
        self._is_valid_media = is_valid_media

    def validate(self, push: Push, mode: Mode, form: Format, body: bytes) -> Verdict:
        """Return how WeChat treats `body`, a response with status 200 to `push`."""
        try:
            return self._validate(push, mode, form, body)
        except (_Invalid, CallbackRejected) as exc:
            return Verdict(Outcome.INVALID, str(exc))

    def _validate(self, push: Push, mode: Mode, form: Format, body: bytes) -> Verdict:
        event = str(push.get("Event", "")).lower()
        wants_result, is_game = event in RESULT_EVENTS, event.startswith(MINIGAME_PREFIX)
        if body in ACKNOWLEDGEMENTS:
            if self._kind is AccountKind.COMPONENT and not body:
                raise _Invalid("a third-party platform must answer success")
            if wants_result:
                raise _Invalid("this event needs a response with ResultCode")
            if is_game:
                raise _Invalid("a mini game's event needs a response with ErrCode")
            return Verdict(Outcome.ACKNOWLEDGED)
        plaintext = body if is_game else self._open(mode, form, body)  # responses to games are never encrypted
        if plaintext.strip() in ACKNOWLEDGEMENTS:
            raise _Invalid("success and an empty response must not be encrypted")
        if codec.sniff(plaintext) is not form:
            raise _Invalid(f"the response to a push in {form.upper()} must be in {form.upper()}")
        reply = codec.parse(plaintext)
        if wants_result or is_game or event.startswith("xpay_"):
            return _business_result(push, reply)
        if self._kind is AccountKind.COMPONENT:
            raise _Invalid("a third-party platform must answer success")
        return self._passive_reply(push, reply)

    def _open(self, mode: Mode, form: Format, body: bytes) -> bytes:
        """Verify the response's signature and return its plaintext."""
        try:
            outer = codec.parse(body)
        except CallbackRejected as rejected:
            raise _Invalid(f"neither success nor a reply: {rejected}") from rejected
        encrypted = text(outer, "Encrypt")
        if not encrypted:
            if mode is Mode.SECURE:
                raise _Invalid("in secure mode a reply must be encrypted")
            return body
        if mode is Mode.PLAIN:
            raise _Invalid("in plain mode a reply must not be encrypted")
        if codec.sniff(body) is not form:
            raise _Invalid(f"the response to a push in {form.upper()} must be in {form.upper()}")
        timestamp = text(outer, "TimeStamp")
        if not timestamp.isdigit() or (form is Format.JSON and not isinstance(json.loads(body)["TimeStamp"], int)):
            raise _Invalid("TimeStamp must be a number")
        signature, nonce = text(outer, "MsgSignature"), text(outer, "Nonce")
        if not matches(signature, self._encoder.token, timestamp, nonce, encrypted):
            raise _Invalid("MsgSignature is wrong")
        if self._encoder.cipher is None:
            raise _Invalid("the account has no AES key")
        try:
            return self._encoder.cipher.decrypt(encrypted)
        except CallbackRejected as rejected:
            raise _Invalid("Encrypt cannot be decrypted with the account's key and appid") from rejected

    def _passive_reply(self, push: Push, reply: Document) -> Verdict:
        event = str(push.get("Event", "")).lower() if push.get("MsgType") == "event" else None
        kind = text(reply, "MsgType")
        if kind == "transfer_customer_service":
            if event is not None:
                raise _Invalid("transfer_customer_service answers users' messages, never events")
            self._check_head(push, reply)
            return Verdict(Outcome.TRANSFERRED, reply=reply)
        if self._kind is AccountKind.MINI_PROGRAM:
            return Verdict(Outcome.IGNORED, "a Mini Program has no passive replies, only customer service", reply)
        self._check_head(push, reply)
        self._check_content(kind, event, reply)
        if event == "unsubscribe" or openid_of(scalars(push)) is None:
            return Verdict(Outcome.IGNORED, "there is no user to show a reply to", reply)
        return Verdict(Outcome.REPLIED, reply=reply)

    def _check_head(self, push: Push, reply: Document) -> None:
        if (text(reply, "ToUserName"), text(reply, "FromUserName")) != (
            push.get("FromUserName"),
            push.get("ToUserName"),
        ):
            raise _Invalid("ToUserName and FromUserName must be those of the push, exchanged")
        if not text(reply, "CreateTime").isdigit():
            raise _Invalid("CreateTime must be a number")

    def _check_content(self, kind: str, event: str | None, reply: Document) -> None:
        match kind:
            case "text":
                size = len(text(reply, "Content").encode())
                if not size:
                    raise _Invalid("a text reply must not have an empty Content")
                if size > self._rules.text_bytes:
                    raise _Invalid(f"Content has {size} bytes, more than {self._rules.text_bytes}")
            case "image" | "voice" | "video":
                structure, name = MEDIA[kind]
                self._check_media(_member(reply, structure), structure, name)
            case "music":
                self._check_media(_member(reply, "Music"), "Music", "ThumbMediaId")
            case "news":
                self._check_articles(event, reply)
            case _:
                raise _Invalid(f"there is no passive reply of MsgType {kind[:40]!r}")

    def _check_media(self, structure: Document, where: str, name: str) -> None:
        if not self._is_valid_media(text(structure, name)):
            raise _Invalid(f"{where}.{name} is not the id of valid media")

    def _check_articles(self, event: str | None, reply: Document) -> None:
        articles = reply.get("Articles")
        count = len(articles) if isinstance(articles, list) else 0
        if not count or text(reply, "ArticleCount") != str(count):
            raise _Invalid("ArticleCount must be the number of Articles, at least one")
        limit = self._rules.articles_for_message if event is None else self._rules.articles_for_event
        if count > limit:
            raise _Invalid(f"{count} articles, more than {limit}")


def _business_result(push: Push, reply: dict[str, Any]) -> Verdict:
    """Return the verdict on a business result (4.4)."""
    if str(push.get("Event", "")).lower().startswith(("xpay_", MINIGAME_PREFIX)):
        if text(reply, "ErrCode") != "0":
            raise _Invalid("ErrCode must be 0")
        return Verdict(Outcome.ACKNOWLEDGED, reply=reply)
    if not (text(reply, "ResultCode") or text(reply, "resultcode")):
        raise _Invalid("this event needs a response with ResultCode")
    matching = text(reply, "ToUserName") == push.get("FromUserName") and text(reply, "Event") == push.get("Event")
    if not matching or text(reply, "MsgType") != "event":
        raise _Invalid("ToUserName, MsgType and Event must be those of the push")
    return Verdict(Outcome.ACKNOWLEDGED, reply=reply)


def _member(reply: Document, name: str) -> Document:
    found: Value = reply.get(name, "")
    return found if isinstance(found, dict) else {}
