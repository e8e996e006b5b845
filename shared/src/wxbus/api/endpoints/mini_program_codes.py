"""Codes that open a page of a Mini Program when they are scanned: pictures."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Key, Part, Refused, get, post

PATH_TOO_LONG: Final = 40159

EnvVersion: TypeAlias = Literal["release", "trial", "develop"]
"""The version of the Mini Program."""
Width: TypeAlias = Annotated[int, Field(ge=280, le=1280), Refused(40097)]
"""In pixels."""


class Color(Part):
    """The colour of the lines of a code."""

    r: int = Field(ge=0, le=255)
    g: int = Field(ge=0, le=255)
    b: int = Field(ge=0, le=255)


class MiniProgramCodes(Family):
    """Pictures that open a page of the Mini Program. Each is a PNG or a JPEG."""

    title = "小程序码"
    kinds = ("mini_program",)

    @post(
        "/wxa/getwxacode",
        name="getQRCode",
        title="获取小程序码",
        repeat=Repeat.SEND,
        errcodes=(40097, PATH_TOO_LONG, 45029, 85096),
    )
    async def create(
        self,
        path: Annotated[str, Field(min_length=1, max_length=1024), Refused(PATH_TOO_LONG)],
        *,
        width: Width | None = None,
        auto_color: bool | None = None,
        line_color: Color | None = None,
        transparent: Annotated[bool | None, Key("is_hyaline")] = None,
        env_version: EnvVersion | None = None,
    ) -> bytes:
        """Return a round code for a page with its query.

        A Mini Program has 100,000 codes of this kind and of `create_square` together, in total: use `create_unlimited`
        for codes that programs make.
        """

    @post(
        "/wxa/getwxacodeunlimit",
        name="getUnlimitedQRCode",
        title="获取不限制的小程序码",
        repeat=Repeat.READ,
        errcodes=(40097, 40129, 40169, 41030, 85096),
    )
    async def create_unlimited(
        self,
        scene: Annotated[
            str,
            Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9!#$&'()*+,/:;=?@._~-]+$", examples=["a=1"]),
            Refused(40169),
        ],
        *,
        page: Annotated[str | None, Field(pattern=r"^[^/?][^?]*$", examples=["pages/index"]), Refused(41030)] = None,
        check_path: bool | None = None,
        width: Width | None = None,
        auto_color: bool | None = None,
        line_color: Color | None = None,
        transparent: Annotated[bool | None, Key("is_hyaline")] = None,
        env_version: EnvVersion | None = None,
    ) -> bytes:
        """Return a round code with a scene of up to 32 characters, which the page gets; 5,000 calls a minute.

        Args:
            scene: Digits, letters and some punctuation; the page reads it from `options.scene`.
            page: Without leading slash and without query; by default the first page.
            check_path: Whether the page must be released, by default True.
            width: 430 pixels by default.
            auto_color: Whether WeChat chooses the colour of the lines.
            line_color: The colour of the lines, if `auto_color` is not True.
            transparent: Without a white background.
            env_version: By default "release".
        """

    @post(
        "/cgi-bin/wxaapp/createwxaqrcode",
        name="createQRCode",
        title="获取小程序二维码",
        repeat=Repeat.SEND,
        errcodes=(PATH_TOO_LONG, 45029, 85096),
    )
    async def create_square(
        self,
        path: Annotated[str, Field(min_length=1, max_length=128), Refused(PATH_TOO_LONG)],
        *,
        width: Width | None = None,
    ) -> bytes:
        """Return a square QR code for a page with its query; the limit is that of `create`."""

    @get("/wxa/get_qrcode", title="获取体验版二维码", repeat=Repeat.READ, errcodes=(86001,))
    async def trial(self, *, path: Annotated[str | None, Field(max_length=1024)] = None) -> bytes:
        """Return a QR code of the trial version, for a page with its query."""
