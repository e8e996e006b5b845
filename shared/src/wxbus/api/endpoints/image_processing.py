"""Cropping, code recognition and enlargement of pictures, as a file or by their address."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, post
from wxbus.api.endpoints.pictures import ERRORS, Corners, Picture, PictureUrl, Size


class Crop(Answer):
    """A part of the picture, in pixels."""

    crop_left: int = 0
    crop_top: int = 0
    crop_right: int = 0
    crop_bottom: int = 0


class Crops(Answer):
    """A part for each ratio."""

    results: tuple[Crop, ...] = ()
    img_size: Size | None = None


class FoundCode(Answer):
    """A QR code or a bar code."""

    type_name: str = ""
    """QR_CODE, EAN_13, CODE_128 ..."""
    data: str = ""
    pos: Corners | None = None
    """None for a bar code."""


class FoundCodes(Answer):
    """The codes of a picture."""

    code_results: tuple[FoundCode, ...] = ()
    img_size: Size | None = None


class ImageProcessing(Family):
    """Cropping, code recognition and enlargement of pictures."""

    title = "图像处理"
    kinds = ("official_account", "mini_program")

    @post("/cv/img/aicrop", name="imgAiCrop", title="图片智能裁剪", repeat=Repeat.READ, errcodes=ERRORS)
    async def crop(
        self,
        image: Picture | None = None,
        *,
        url: PictureUrl | None = None,
        ratios: Annotated[str, Field(pattern=r"^[\d.]+(,[\d.]+){0,4}$", examples=["1,2.35"])] | None = None,
    ) -> Crops:
        """Return the best part of a picture for each ratio of width to height: "1,2.35", up to five."""

    @post("/cv/img/qrcode", name="imgQrcode", title="二维码/条码识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def codes(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> FoundCodes:
        """Return the QR codes and bar codes of a picture."""

    @post(
        "/cv/img/superresolution",
        name="imgsuperresolution",
        title="图片高清化",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def enlarge(
        self, image: Picture | None = None, *, url: PictureUrl | None = None
    ) -> Annotated[str, Key("media_id")]:
        """Return the media id of the picture with twice the width and height; it expires after 3 days."""
