"""Conversations as files: the messages of users, and the replies that they received (decision 0051).

The sandbox writes and plays them; `wxbus_worker.testing.play` plays them to handlers.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wxbus.errors import ConfigurationError

USER: Final = "oSandboxUser0000000000000001"
"""The openid of the sandbox's first user."""
HEADER: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId", "AgentID"})
"""Fields of a push that are not part of `Turn.fields`."""
GENERATED: Final = frozenset({"media_id", "thumb_media_id"})
"""Fields of replies that differ in each run."""
PASSIVE_NAMES: Final = {
    "Content": "content",
    "MediaId": "media_id",
    "ThumbMediaId": "thumb_media_id",
    "Title": "title",
    "Description": "description",
    "MusicUrl": "musicurl",
    "HQMusicUrl": "hqmusicurl",
    "PicUrl": "picurl",
    "Url": "url",
    "KfAccount": "kf_account",
}
"""Names of fields in customer-service messages (protocol reference 9.1) by those in passive replies (7)."""
PATTERN: Final = "matches"

Reply: TypeAlias = dict[str, Any]
"""A reply that a user received: `type`, and the fields of the customer-service message of this type."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Turn(_Model):
    """A message or an event of a user, and the replies to it."""

    user: str = Field(default="", max_length=64)
    """The openid; "": that of the conversation."""
    text: str | None = None
    """The content of a text message."""
    event: str | None = None
    """The name of an event, such as `CLICK`."""
    type: str | None = None
    """`MsgType` of another message, such as `image`."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Further fields by WeChat's names."""
    replies: tuple[str | dict[str, Any], ...] | None = None
    """The expected replies in order; None: any.

    A string is a text. A table has a `type`; only the fields that it names are compared. In place of `content` a text
    can have `matches`, a regular expression for all of it.
    """

    @model_validator(mode="after")
    def _one_message(self) -> "Turn":
        if sum(given is not None for given in (self.text, self.event, self.type)) != 1:
            raise ValueError("give one of text, event and type")
        return self

    @field_validator("replies")
    @classmethod
    def _known_replies(cls, replies: tuple[str | Reply, ...] | None) -> tuple[str | Reply, ...] | None:
        for number, reply in enumerate(replies or (), start=1):
            if isinstance(reply, str):
                continue
            if not reply.get("type"):
                raise ValueError(f"reply {number} needs a type")
            try:
                re.compile(str(reply.get(PATTERN, "")))
            except re.error as exc:
                raise ValueError(f"reply {number}: {PATTERN} is not a regular expression: {exc}") from exc
        return replies

    @property
    def message_type(self) -> str:
        """Return `MsgType` of the push."""
        return "text" if self.text is not None else "event" if self.event is not None else str(self.type)

    def content(self) -> dict[str, Any]:
        """Return the fields of the push except its header."""
        return {**({"Content": self.text} if self.text is not None else {}), **self.fields}

    def title(self) -> str:
        """Return the message in a few words."""
        return shown(self.text) if self.text is not None else f"event {self.event}" if self.event else f"[{self.type}]"


class Conversation(_Model):
    """Turns of one or more users with one account."""

    format: Literal[1] = 1
    account: str = "shop"
    """The account's name in the accounts file."""
    kind: Literal["official_account", "mini_program", "wecom"] = "official_account"
    user: str = USER
    """The openid of turns without one."""
    turns: tuple[Turn, ...] = ()

    def user_of(self, turn: Turn) -> str:
        """Return the openid of a turn's user."""
        return turn.user or self.user


def parse_conversation(text: str, *, name: str = "conversation.toml") -> Conversation:
    """Return the conversation of a TOML document.

    Raises:
        ConfigurationError: It is not TOML, or not a conversation; the text names the place.
    """
    try:
        return Conversation.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"{name}: {exc}") from exc
    except ValidationError as exc:
        raise ConfigurationError(f"{name}: {'; '.join(_problems(exc))}") from exc


def passive_reply_seen(document: Mapping[str, Any]) -> Reply:
    """Return the reply that a user sees for a passive reply in WeChat's form (protocol reference 7)."""
    seen: Reply = {"type": str(document.get("MsgType", ""))}
    for name, value in document.items():
        if name == "Articles" and isinstance(value, list):
            seen["articles"] = [_renamed(article) for article in value if isinstance(article, Mapping)]
        elif isinstance(value, Mapping):
            seen |= _renamed(value)
        elif name in PASSIVE_NAMES:
            seen[PASSIVE_NAMES[name]] = value
    return seen


def message_seen(payload: Mapping[str, Any], *, kind: str = "template") -> Reply:
    """Return the reply that a user sees for a message in JSON (protocol reference 9.1), by default of type `kind`."""
    msgtype = str(payload.get("msgtype", ""))
    content = payload.get(msgtype)
    if isinstance(content, Mapping):
        return {"type": msgtype, **content}
    return {"type": msgtype or kind, **{name: value for name, value in payload.items() if name != "touser"}}


def differences(turn: Turn, received: Sequence[Reply]) -> Iterator[str]:
    """Yield a line for each reply of a turn that is not as expected."""
    if turn.replies is None:
        return
    for number in range(max(len(turn.replies), len(received))):
        expected = turn.replies[number] if number < len(turn.replies) else None
        got = received[number] if number < len(received) else None
        if expected is None or got is None or not _fits(expected, got):
            wanted = "none" if expected is None else shown(expected)
            yield f"reply {number + 1}: expected {wanted}, received {'none' if got is None else shown(got)}"


def shown(reply: str | Reply) -> str:
    """Return a reply in one line."""
    if isinstance(reply, str):
        return json.dumps(reply, ensure_ascii=False)
    if reply.keys() == {"type", "content"} and reply["type"] == "text":
        return shown(str(reply["content"]))
    fields = json.dumps({name: value for name, value in reply.items() if name != "type"}, ensure_ascii=False)
    return f"[{reply['type']}] {fields}"


def recorded(reply: Reply) -> str | Reply:
    """Return a received reply in the form of a file: a text as a string, without fields that differ in each run."""
    if reply.keys() == {"type", "content"} and reply["type"] == "text":
        return str(reply["content"])
    return {name: value for name, value in reply.items() if name not in GENERATED}


def _fits(expected: str | Reply, received: Reply) -> bool:
    if isinstance(expected, str):
        return received.get("type") == "text" and received.get("content") == expected
    pattern = expected.get(PATTERN)
    if pattern is not None and not re.fullmatch(str(pattern), str(received.get("content", "")), re.DOTALL):
        return False
    return _contains(received, {name: value for name, value in expected.items() if name != PATTERN})


def _contains(received: Any, expected: Any) -> bool:
    """Return whether `received` contains everything in `expected`; WeChat leaves out empty fields."""
    if isinstance(expected, Mapping) and isinstance(received, Mapping):
        return all(_contains(received.get(name, ""), value) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(received, list):
        return len(expected) == len(received) and all(map(_contains, received, expected))
    return bool(str(received) == str(expected))


def _renamed(fields: Mapping[str, Any]) -> Reply:
    return {PASSIVE_NAMES[name]: value for name, value in fields.items() if name in PASSIVE_NAMES}


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
        yield f"{where or 'conversation'}: {problem['msg'].removeprefix('Value error, ')}"
