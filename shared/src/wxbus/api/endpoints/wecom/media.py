"""Media of WeCom (WeCom reference 4.1). `WeComClient.upload_media` and `download_media` are shorter."""

from typing import Annotated, Final, Literal

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Id, Key, Query, Refused, Timestamp, get, post
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile

MEBIBYTE: Final = 1024 * 1024
PICTURES: Final = (".jpg", ".jpeg", ".png")

MediaId = Annotated[Id, Refused(40007)]
Picture = Annotated[UploadFile, FileLimits(2 * MEBIBYTE, PICTURES), Key("media")]


class UploadedMedia(Answer):
    """Media for three days, of all applications of the corp."""

    type: str
    media_id: str
    created_at: Timestamp


class CorpMedia(Family):
    """Temporary media, and pictures in articles."""

    title = "企业微信：素材"
    kinds = ("wecom",)

    @post("/cgi-bin/media/upload", title="上传临时素材", repeat=Repeat.READ, errcodes=(40004, 40005, 40006))
    async def upload(
        self,
        type: Annotated[Literal["image", "voice", "video", "file"], Query(), Refused(40004)],  # noqa: A002 - WeCom's name
        file: Annotated[UploadFile, FileLimits(20 * MEBIBYTE), Key("media")],
    ) -> UploadedMedia:
        """Upload an image (10 MB), a voice message (AMR, 2 MB), a video (MP4, 10 MB) or a file (20 MB)."""

    @get("/cgi-bin/media/get", title="获取临时素材", repeat=Repeat.READ, errcodes=(40007,))
    async def download(self, media_id: MediaId) -> File:
        """Return the file of media."""

    @get("/cgi-bin/media/get/jssdk", title="获取高清语音素材", repeat=Repeat.READ, errcodes=(40007,))
    async def high_quality_voice(self, media_id: MediaId) -> File:
        """Return a recording of the JS-SDK at 16 kHz, Speex."""

    @post("/cgi-bin/media/uploadimg", title="上传图片", repeat=Repeat.READ)
    async def upload_picture(self, file: Picture) -> Annotated[str, Key("url")]:
        """Upload a picture for articles and return its lasting URL."""
