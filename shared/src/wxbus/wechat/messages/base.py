"""Base classes of the models of messages and events.

Fields have Python names; their aliases are WeChat's names, derived by rule (`media_id`: `MediaId`) or given explicitly.
Both names are accepted. Unknown members are kept in `model_extra`.
"""

from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

T = TypeVar("T")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _many(value: Any) -> Any:
    """Return a single value as a list of one, and an empty value as an empty list."""
    if value == "":
        return ()
    return value if isinstance(value, list | tuple) else (value,)


Int = Annotated[int | None, BeforeValidator(_none_if_empty)]
"""An integer that may be absent or empty."""
Float = Annotated[float | None, BeforeValidator(_none_if_empty)]
"""A decimal number that may be absent or empty."""
Maybe = Annotated[T | None, BeforeValidator(_none_if_empty)]
"""A structure that may be absent or empty."""
Many = Annotated[tuple[T, ...], BeforeValidator(_many)]
"""A structure or text that may repeat."""


class Part(BaseModel):
    """A structure inside a message."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        validate_by_name=True,
        alias_generator=to_pascal,
        hide_input_in_errors=True,
        defer_build=True,  # most processes use few of the models
    )


WECOM_NAMES: Final = ConfigDict(alias_generator=lambda name: name)
"""For models whose field names equal WeCom's names; a class with a further base repeats it."""


def _same_name(name: str) -> str:
    """Return the alias in models whose field names equal WeChat's names, except in the header."""
    return to_pascal(name) if name in {"event", "msg_type"} else name


def _component_alias(name: str) -> str:
    return "InfoType" if name == "event" else to_pascal(name)


def _same_component_name(name: str) -> str:
    return _component_alias(name) if name in {"event", "msg_type", "app_id"} else name


class PlatformPart(Part):
    """A structure inside a `PlatformEvent`."""

    model_config = ConfigDict(alias_generator=_same_name)


class Message(Part):
    """A push of WeChat: a message or an event."""

    to_user: str = Field(default="", alias="ToUserName")
    """Original id of the account (`gh_...`); in pushes from cloud functions the appid."""
    from_user: str = Field(default="", alias="FromUserName")
    """The user's openid; in system events (see `identity.openid_of`) an id of WeChat or ""."""
    created_at: int = Field(alias="CreateTime")
    """Seconds since the epoch, on WeChat's clock."""
    msg_type: str

    family: ClassVar[str] = ""
    """Prefix of the tag (see `registry.tag_of`); the name follows."""
    other_names: ClassVar[tuple[str, ...]] = ()
    """Other names of the type, besides the default of `msg_type` or, in events, of `event`."""


class UserMessage(Message):
    """A message that a user sent (protocol reference 5)."""

    msg_id: str = ""
    """Text, because the number exceeds 64 bits."""
    msg_data_id: str = ""
    """Id of the article that the message was sent from."""
    idx: str = ""
    """Position of the article, from 1."""


class Event(Message):
    """An event (protocol reference 6)."""

    family: ClassVar[str] = "event:"

    msg_type: str = "event"
    event: str
    """Name of the event as WeChat writes it; compare it case-insensitively."""


class PlatformEvent(Event):
    """An event of the platform; its field names equal WeChat's names."""

    model_config = ConfigDict(alias_generator=_same_name)


class WrappedEvent(PlatformEvent):
    """A `PlatformEvent` whose fields are next to the header or inside the element `wrapper`."""

    wrapper: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, data: Any) -> Any:
        inner = data.get(cls.wrapper) if isinstance(data, dict) else None
        if not isinstance(inner, dict) or inner.keys() & data.keys():
            return data
        return {**{name: value for name, value in data.items() if name != cls.wrapper}, **inner}


class ComponentEvent(Event):
    """An event of a third-party platform about itself or its authorizers (protocol reference 6.3).

    Such a push has no sender, receiver or `MsgType`; `event` is its `InfoType`.
    """

    model_config = ConfigDict(alias_generator=_component_alias)
    family: ClassVar[str] = "component:"

    msg_type: str = ""
    app_id: str = ""
    """Appid of the platform."""
    event: str
    """`InfoType`."""


class PlatformComponentEvent(ComponentEvent):
    """A `ComponentEvent` whose field names equal WeChat's names."""

    model_config = ConfigDict(alias_generator=_same_component_name)
