"""Pictures for WeChat's image recognition, and positions in them."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.declaration import Answer, FileLimits, Key, Query, Refused
from wxbus.api.uploads import UploadFile

MAX_PICTURE: Final = 2 * 1024 * 1024
ERRORS: Final = (101000, 101001, 101002, 101003)

Picture: TypeAlias = Annotated[
    UploadFile, FileLimits(MAX_PICTURE, (".png", ".jpg", ".jpeg", ".gif")), Key("img"), Refused(101002)
]
"""A picture of up to 2 MB."""
PictureUrl: TypeAlias = Annotated[
    str, Field(pattern="^https?://", examples=["https://example.com/a.png"]), Query("img_url"), Refused(101000)
]
"""The address of a picture of up to 2 MB."""


class Point(Answer):
    """A point of the picture, in pixels."""

    x: float = 0
    y: float = 0


class Corners(Answer):
    """The corners of an area."""

    left_top: Point = Point()
    right_top: Point = Point()
    right_bottom: Point = Point()
    left_bottom: Point = Point()


class Position(Answer):
    """An area of the picture."""

    pos: Corners = Corners()


class Size(Answer):
    """Width and height in pixels."""

    w: int = 0
    h: int = 0
