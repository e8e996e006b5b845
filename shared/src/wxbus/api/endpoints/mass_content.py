"""Models of mass messages."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

from pydantic import Field, model_serializer, model_validator

from wxbus.api.declaration import Flag, Id, Merged, Part, Refused

TYPE_REFUSED: Final = 40008


class _Message(Part):
    """A message; on the wire its fields are in an object with the name of `field`, next to the msgtype."""

    msgtype: ClassVar[str]
    field: ClassVar[str]

    @model_serializer(mode="wrap")
    def _on_the_wire(self, fields: Callable[[Self], Mapping[str, Any]]) -> dict[str, Any]:
        return {"msgtype": self.msgtype, self.field: fields(self)}

    @model_validator(mode="before")
    @classmethod
    def _from_the_wire(cls, found: Any) -> Any:
        return found[cls.field] if isinstance(found, Mapping) and found.get("msgtype") == cls.msgtype else found


class MassText(_Message):
    """A text."""

    msgtype = field = "text"

    content: str = Field(min_length=1)


class MassArticles(_Message):
    """The articles of a draft, which is removed."""

    msgtype = field = "mpnews"

    media_id: Id


class MassImages(_Message):
    """Up to 20 images."""

    msgtype = "image"
    field = "images"

    media_ids: list[Id] = Field(min_length=1, max_length=20)
    recommend: str = ""
    need_open_comment: Flag = False
    only_fans_can_comment: Flag = False


class MassVoice(_Message):
    """A recording."""

    msgtype = field = "voice"

    media_id: Id


class MassVideo(_Message):
    """A video, by the id that `Material` gives for mass messages."""

    msgtype = field = "mpvideo"

    media_id: Id
    title: str = ""
    description: str = ""


class MassCard(_Message):
    """A card. WeChat refuses it for most accounts (45113)."""

    msgtype = field = "wxcard"

    card_id: Id
    card_ext: str = ""


MassMessage: TypeAlias = Annotated[
    MassText | MassArticles | MassImages | MassVoice | MassVideo | MassCard, Merged(), Refused(TYPE_REFUSED)
]
