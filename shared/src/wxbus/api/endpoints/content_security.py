"""Checks of what users publish."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Key, OpenId, Refused, post
from wxbus.api.uploads import UploadFile

VERSION: Final[Mapping[str, object]] = {"version": 2}
MEGABYTE: Final = 1024 * 1024


class Scene(IntEnum):
    """The place where the content is published."""

    PROFILE = 1
    COMMENT = 2
    FORUM = 3
    SOCIAL_LOG = 4


class MediaType(IntEnum):
    """The type of the checked media."""

    AUDIO = 1
    IMAGE = 2


class Verdict(Answer):
    """The result of all strategies."""

    suggest: str = "review"
    """risky, pass or review."""
    label: int = 100
    """100 normal, 10001 advertising, 20001 politics, 20002 pornography, 20003 abuse, 20006 crime, 20008 fraud, 20012
    vulgar, 20013 copyright, 21000 other."""


class Finding(Answer):
    """The result of one strategy."""

    strategy: str = ""
    errcode: int = 0
    """The result is valid only if this is 0."""
    suggest: str = ""
    label: int = 100
    level: int = 0
    prob: int = 0
    """Percent."""
    keyword: str = ""
    """The words that were hit."""


class TextCheck(Answer):
    """The result of a check of a text."""

    trace_id: str = ""
    result: Verdict = Verdict()
    detail: tuple[Finding, ...] = ()


class ContentSecurity(Family):
    """Checks of what users publish in a Mini Program."""

    title = "内容安全"
    kinds = ("mini_program",)

    @post(
        "/wxa/msg_sec_check",
        name="msgSecCheck",
        title="文本内容安全识别",
        repeat=Repeat.READ,
        errcodes=(40003, 40129, 43104, 44991, 61010),
        fixed=VERSION,
    )
    async def check_text(
        self,
        content: Annotated[str, Field(min_length=1, max_length=2500)],
        openid: OpenId,
        scene: Annotated[Scene, Refused(40129)],
        *,
        title: str | None = None,
        nickname: str | None = None,
        signature: str | None = None,
    ) -> TextCheck:
        """Return WeChat's verdict on a text of a user who visited the Mini Program in the last two hours.

        `signature` is the user's motto, for the scene PROFILE.
        """

    @post(
        "/wxa/media_check_async",
        name="mediaCheckAsync",
        title="多媒体内容安全识别",
        repeat=Repeat.SEND,
        errcodes=(40003, 40004, 43104, 44991, 61010, 87020),
        fixed=VERSION,
    )
    async def check_media(
        self,
        url: Annotated[str, Field(min_length=1, max_length=2048), Key("media_url")],
        media_type: Annotated[MediaType, Refused(40004)],
        openid: OpenId,
        scene: Annotated[Scene, Refused(40129)],
    ) -> Annotated[str, Key("trace_id")]:
        """Start the check of an image or a recording of up to 10 MB, and return its trace id.

        The result is a `MediaCheckEvent` with this trace id, within 30 minutes; it may come before this answer.
        """

    @post(
        "/wxa/img_sec_check",
        name="imgSecCheck",
        title="校验图片(1.0)",
        repeat=Repeat.READ,
        errcodes=(40006, 41005, 87014),
    )
    async def check_image(
        self, image: Annotated[UploadFile, FileLimits(MEGABYTE), Key("media"), Refused(40006)]
    ) -> None:
        """Check that an image of up to 1 MB and 750 x 1334 pixels is harmless; BadRequest (87014) if it is not.

        This is the older check, which answers at once.
        """
