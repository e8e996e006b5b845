"""QR codes with a scene, of Official Accounts."""

from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, Refused, post

MONTH: Final = 30 * 86400
NO_CODE: Final = 40129

Scene = Annotated[str, Field(min_length=1, max_length=64), Key("action_info.scene.scene_str"), Refused(NO_CODE)]


class QrTicket(Answer):
    """A QR code."""

    ticket: str
    """Names the picture, see `QrCodes.picture_url`."""
    url: str
    """The content of the QR code, to draw it yourself."""
    expire_seconds: int | None = None
    """None for a permanent code."""


class QrCodes(Family):
    """QR codes with a scene: `SCAN` and `subscribe` events carry the scene of the code that a user scanned."""

    title = "带参数的二维码"

    @post(
        "/cgi-bin/qrcode/create",
        name="createQRCode",
        title="生成带参数的二维码",
        repeat=Repeat.READ,
        errcodes=(40052, 40053, NO_CODE),
        fixed={"action_name": "QR_STR_SCENE"},
    )
    async def create_temporary(
        self,
        scene: Scene,
        *,
        expires_in: Annotated[int, Field(ge=1, le=MONTH), Key("expire_seconds")] = MONTH,
    ) -> QrTicket:
        """Create a QR code that expires after `expires_in` seconds, at most 30 days.

        `scene` is the text that the events carry.
        """

    @post(
        "/cgi-bin/qrcode/create",
        name="createQRCode",
        title="生成带参数的二维码",
        repeat=Repeat.READ,
        errcodes=(40052, 40053, NO_CODE, 45029),
        fixed={"action_name": "QR_LIMIT_STR_SCENE"},
    )
    async def create_permanent(self, scene: Scene) -> QrTicket:
        """Create a QR code that never expires; an account can have 100,000.

        Another call with the same scene returns an equivalent code.
        """

    @post(
        "/cgi-bin/qrcode/create",
        name="createQRCode",
        title="生成带参数的二维码",
        repeat=Repeat.READ,
        errcodes=(40052, 40053, NO_CODE),
        fixed={"action_name": "QR_SCENE"},
    )
    async def create_temporary_number(
        self,
        scene: Annotated[int, Field(ge=1, le=2**32 - 1), Key("action_info.scene.scene_id"), Refused(NO_CODE)],
        *,
        expires_in: Annotated[int, Field(ge=1, le=MONTH), Key("expire_seconds")] = MONTH,
    ) -> QrTicket:
        """Create a QR code whose scene is a number, of 32 bits; it expires as that of `create_temporary`."""

    @post(
        "/cgi-bin/qrcode/create",
        name="createQRCode",
        title="生成带参数的二维码",
        repeat=Repeat.READ,
        errcodes=(40052, 40053, NO_CODE, 45029),
        fixed={"action_name": "QR_LIMIT_SCENE"},
    )
    async def create_permanent_number(
        self,
        scene: Annotated[int, Field(ge=1, le=100_000), Key("action_info.scene.scene_id"), Refused(NO_CODE)],
    ) -> QrTicket:
        """Create a QR code that never expires, whose scene is a number up to 100,000."""

    @staticmethod
    def picture_url(ticket: str) -> str:
        """Return the address of the picture, which needs no access token."""
        return f"https://mp.weixin.qq.com/cgi-bin/showqrcode?{urlencode({'ticket': ticket})}"
