"""The buttons of a menu: up to 3 at the top, each with up to 5 below."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag

from wxbus.api.declaration import Id, Key, MaxBytes, Part, Refused

WRONG_COUNT: Final = 40016
WRONG_TYPE: Final = 40017
WRONG_NAME: Final = 40018
WRONG_KEY: Final = 40019
WRONG_URL: Final = 40020
WRONG_SUB_COUNT: Final = 40023
TOP_NAME_BYTES: Final = 16

Name: TypeAlias = Annotated[str, Field(min_length=1), MaxBytes(60), Refused(WRONG_NAME)]
"""Up to 60 bytes in a submenu, 16 at the top."""
ButtonUrl: TypeAlias = Annotated[str, Field(min_length=1), MaxBytes(1024), Refused(WRONG_URL)]


class KeyButton(Part):
    """A button that sends an event with its key: a click, a scanned code, a picture or a location."""

    name: Name
    key: Annotated[str, Field(min_length=1), MaxBytes(128), Refused(WRONG_KEY)]
    type: Annotated[
        Literal[
            "click",
            "scancode_push",
            "scancode_waitmsg",
            "pic_sysphoto",
            "pic_photo_or_album",
            "pic_weixin",
            "location_select",
        ],
        Refused(WRONG_TYPE),
    ] = "click"


class ViewButton(Part):
    """A button that opens a web page."""

    type: Literal["view"] = "view"
    name: Name
    url: ButtonUrl


class MiniProgramButton(Part):
    """A button that opens a page of a Mini Program, which is linked with the account."""

    type: Literal["miniprogram"] = "miniprogram"
    name: Name
    url: ButtonUrl
    """For clients of WeChat without Mini Programs."""
    appid: Id
    page: str = Field(validation_alias="pagepath", serialization_alias="pagepath")


class MediaButton(Part):
    """A button that sends permanent material to the user."""

    name: Name
    media_id: Annotated[Id, Refused(40007)]
    type: Literal["media_id", "view_limited"] = "media_id"


class ArticleButton(Part):
    """A button that sends or opens a published article."""

    name: Name
    article_id: Annotated[Id, Refused(53600)]
    type: Literal["article_id", "article_view_limited"] = "article_id"


KINDS: Final = {
    "view": "ViewButton",
    "miniprogram": "MiniProgramButton",
    "media_id": "MediaButton",
    "view_limited": "MediaButton",
    "article_id": "ArticleButton",
    "article_view_limited": "ArticleButton",
}
"""Names of classes by type; all other types have a key."""


def _kind_of(button: Any) -> str:
    if isinstance(button, Mapping):
        return KINDS.get(button["type"], "KeyButton") if button.get("type") else "SubMenu"
    return type(button).__name__


Button: TypeAlias = Annotated[
    Annotated[KeyButton, Tag("KeyButton")]
    | Annotated[ViewButton, Tag("ViewButton")]
    | Annotated[MiniProgramButton, Tag("MiniProgramButton")]
    | Annotated[MediaButton, Tag("MediaButton")]
    | Annotated[ArticleButton, Tag("ArticleButton")],
    Discriminator(_kind_of),
]
"""A button without a submenu."""


class SubMenu(Part):
    """A button that opens further buttons."""

    name: Name
    buttons: Annotated[Sequence[Button], Field(min_length=1, max_length=5), Refused(WRONG_SUB_COUNT)] = Field(
        validation_alias="sub_button", serialization_alias="sub_button"
    )


def _with_short_name(button: Button | SubMenu) -> Button | SubMenu:
    if (size := len(button.name.encode())) > TOP_NAME_BYTES:
        raise ValueError(f"the name has {size} bytes in UTF-8, at the top at most {TOP_NAME_BYTES} are allowed")
    return button


TopButton: TypeAlias = Annotated[
    Annotated[KeyButton, Tag("KeyButton")]
    | Annotated[ViewButton, Tag("ViewButton")]
    | Annotated[MiniProgramButton, Tag("MiniProgramButton")]
    | Annotated[MediaButton, Tag("MediaButton")]
    | Annotated[ArticleButton, Tag("ArticleButton")]
    | Annotated[SubMenu, Tag("SubMenu")],
    Discriminator(_kind_of),
    AfterValidator(_with_short_name),
    Refused(WRONG_NAME),
]
Buttons: TypeAlias = Annotated[
    Sequence[TopButton], Field(min_length=1, max_length=3), Key("button"), Refused(WRONG_COUNT)
]
"""The buttons of a menu, from left to right."""
