"""What the models of messages and events have in common.

Fields are called in the way of Python; their aliases are WeChat's own names, made by rule (`media_id`: `MediaId`) or
given where WeChat has no rule. Either name is accepted. What a model does not know is kept in `model_extra`.
"""

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

T = TypeVar("T")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _many(value: Any) -> Any:
    """Return one as a list of one, and nothing as an empty list."""
    if value == "":
        return ()
    return value if isinstance(value, list | tuple) else (value,)


Int = Annotated[int | None, BeforeValidator(_none_if_empty)]
"""A number that may be absent or empty."""
Float = Annotated[float | None, BeforeValidator(_none_if_empty)]
"""A decimal number that may be absent or empty."""
Maybe = Annotated[T | None, BeforeValidator(_none_if_empty)]
"""A structure that may be absent or empty."""
Many = Annotated[tuple[T, ...], BeforeValidator(_many)]
"""A structure or text that may repeat."""


class Part(BaseModel):
    """A structure inside a message."""

    model_config = ConfigDict(
        frozen=True, extra="allow", validate_by_name=True, alias_generator=to_pascal, hide_input_in_errors=True
    )


def _as_written(name: str) -> str:
    """Return WeChat's name where WeChat writes names as we do; the header is an exception."""
    return to_pascal(name) if name in {"event", "msg_type"} else name


def _component_alias(name: str) -> str:
    return "InfoType" if name == "event" else to_pascal(name)


class PlatformPart(Part):
    """A structure inside a `PlatformEvent`."""

    model_config = ConfigDict(alias_generator=_as_written)


class Message(Part):
    """What WeChat sends us: a user's message, an event of a user, or one of the system."""

    to_user: str = Field(default="", alias="ToUserName")
    """Original id of the account (`gh_...`); the appid from cloud functions."""
    from_user: str = Field(default="", alias="FromUserName")
    """The user's openid; in system events (see `identity.openid_of`) an id of WeChat or ""."""
    created_at: int = Field(alias="CreateTime")
    """Seconds since the epoch, on WeChat's clock."""
    msg_type: str

    other_names: ClassVar[tuple[str, ...]] = ()
    """Names that WeChat uses for the same type besides the default of `msg_type` or, in events, of `event`."""


class UserMessage(Message):
    """What a user sent (protocol reference 5)."""

    msg_id: str = ""
    """64 bits and more, as text."""
    msg_data_id: str = ""
    """Of the article the message was sent from, if it was."""
    idx: str = ""
    """Which of the articles, from 1."""


class Event(Message):
    """What happened (protocol reference 6)."""

    msg_type: str = "event"
    event: str
    """As WeChat wrote it: compare without regard to case."""


class PlatformEvent(Event):
    """What the platform itself tells; its fields are called as WeChat calls them."""

    model_config = ConfigDict(alias_generator=_as_written)


class WrappedEvent(PlatformEvent):
    """A `PlatformEvent` whose fields WeChat writes beside the header or together in one element, `wrapper`."""

    wrapper: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, data: Any) -> Any:
        inner = data.get(cls.wrapper) if isinstance(data, dict) else None
        if not isinstance(inner, dict) or inner.keys() & data.keys():
            return data
        return {**{name: value for name, value in data.items() if name != cls.wrapper}, **inner}


class ComponentEvent(Event):
    """What a third-party platform is told about itself and its authorisers (protocol reference 6.3).

    These pushes have no sender, no receiver and no `MsgType`; `event` is their `InfoType`.
    """

    model_config = ConfigDict(alias_generator=_component_alias)

    msg_type: str = ""
    app_id: str = ""
    """The platform's own appid."""
    event: str
    """`InfoType`."""
