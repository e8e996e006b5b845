"""Temporary media: files that messages show, kept for three days."""

from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, model_validator

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Id, Key, Refused, Timestamp, get, post
from wxbus.api.download import Download
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile

KILOBYTE: Final = 1024
MEGABYTE: Final = 1024 * KILOBYTE
WRONG_SIZE: Final = 40006
UPLOAD_ERRORS: Final = (40004, 40005, WRONG_SIZE, 41005, 44001, 45001)

MediaId: TypeAlias = Annotated[Id, Refused(40007)]
Image: TypeAlias = Annotated[
    UploadFile, FileLimits(10 * MEGABYTE, (".png", ".jpg", ".jpeg", ".gif")), Key("media"), Refused(WRONG_SIZE)
]
Voice: TypeAlias = Annotated[UploadFile, FileLimits(2 * MEGABYTE, (".amr", ".mp3")), Key("media"), Refused(WRONG_SIZE)]
Video: TypeAlias = Annotated[UploadFile, FileLimits(10 * MEGABYTE, (".mp4",)), Key("media"), Refused(WRONG_SIZE)]
Thumb: TypeAlias = Annotated[
    UploadFile, FileLimits(64 * KILOBYTE, (".jpg", ".jpeg")), Key("media"), Refused(WRONG_SIZE)
]
ArticleImage: TypeAlias = Annotated[
    UploadFile, FileLimits(MEGABYTE, (".jpg", ".jpeg", ".png")), Key("media"), Refused(40009)
]


class UploadedMedia(Answer):
    """An uploaded file."""

    media_id: str
    type: str = ""
    created_at: Timestamp | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_media_id(cls, found: Any) -> Any:
        """Official Accounts call the id of a thumb `thumb_media_id`."""
        if isinstance(found, dict) and "media_id" not in found and "thumb_media_id" in found:
            return {**found, "media_id": found["thumb_media_id"]}
        return found


class VideoUrl(Answer):
    """The address of a video; WeChat does not return its bytes."""

    video_url: str


class TemporaryMedia(Family):
    """Temporary media. `WeChatClient.upload_media` and `download_media` are shorter, for files in memory."""

    title = "临时素材"
    kinds = ("official_account", "mini_program")

    @post(
        "/cgi-bin/media/upload",
        name="uploadTempMedia",
        title="新增临时素材",
        repeat=Repeat.READ,
        errcodes=UPLOAD_ERRORS,
        fixed_query={"type": "image"},
    )
    async def upload_image(self, image: Image) -> UploadedMedia:
        """Upload an image of up to 10 MB: PNG, JPEG or GIF."""

    @post(
        "/cgi-bin/media/upload",
        name="uploadTempMedia",
        title="新增临时素材",
        repeat=Repeat.READ,
        errcodes=UPLOAD_ERRORS,
        fixed_query={"type": "voice"},
    )
    async def upload_voice(self, voice: Voice) -> UploadedMedia:
        """Upload a recording of up to 2 MB and 60 seconds: AMR or MP3."""

    @post(
        "/cgi-bin/media/upload",
        name="uploadTempMedia",
        title="新增临时素材",
        repeat=Repeat.READ,
        errcodes=UPLOAD_ERRORS,
        fixed_query={"type": "video"},
    )
    async def upload_video(self, video: Video) -> UploadedMedia:
        """Upload a video of up to 10 MB: MP4."""

    @post(
        "/cgi-bin/media/upload",
        name="uploadTempMedia",
        title="新增临时素材",
        repeat=Repeat.READ,
        errcodes=UPLOAD_ERRORS,
        fixed_query={"type": "thumb"},
    )
    async def upload_thumb(self, thumb: Thumb) -> UploadedMedia:
        """Upload the small picture of a video or of music, of up to 64 KB: JPEG."""

    @get("/cgi-bin/media/get", name="getMedia", title="获取临时素材", repeat=Repeat.READ, errcodes=(40007,))
    async def download(self, media_id: MediaId) -> File | VideoUrl:
        """Return a file, or the address of a video."""

    @get(
        "/cgi-bin/media/get/jssdk",
        name="getHDVoice",
        title="获取高清语音素材",
        repeat=Repeat.READ,
        errcodes=(40007,),
        kinds=("official_account",),
    )
    async def recording(self, media_id: MediaId) -> Download:
        """Return a recording of the JS-SDK in better quality (Speex, 16 kHz), as a stream."""

    @post(
        "/cgi-bin/media/uploadimg",
        name="uploadImage",
        title="上传图文消息图片",
        repeat=Repeat.READ,
        errcodes=(40005, 40009),
        kinds=("official_account",),
    )
    async def upload_article_image(self, image: ArticleImage) -> Annotated[str, Key("url")]:
        """Upload an image of up to 1 MB for the text of articles, and return its address: JPEG or PNG."""

    @get(
        "/cgi-bin/media/getfeedbackmedia",
        name="getFeedbackmedia",
        title="获取mediaId图片",
        repeat=Repeat.READ,
        errcodes=(46001,),
        kinds=("mini_program",),
    )
    async def feedback_image(
        self, record_id: Annotated[int, Field(ge=1)], media_id: Annotated[Id, Refused(46001)]
    ) -> File:
        """Return an image of a user's feedback about the Mini Program."""
