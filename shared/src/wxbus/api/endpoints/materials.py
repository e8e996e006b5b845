"""Permanent material: files and articles that an account keeps."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Flag, JsonText, Key, Part, Refused, Timestamp, get, post
from wxbus.api.endpoints.temporary_media import MEGABYTE, WRONG_SIZE, MediaId, Thumb, Video
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile

ADD_ERRORS: Final = (40004, 40005, WRONG_SIZE, 40007, 41005, 45001)


class VideoDescription(Part):
    """The texts of a video."""

    title: str = Field(min_length=1, max_length=64)
    introduction: str = Field(default="", max_length=200)


class NewMaterial(Answer):
    """The id of added material."""

    media_id: str
    url: str = ""
    """Of an image."""


class MaterialArticle(Answer):
    """An article."""

    title: str = ""
    thumb_media_id: str = ""
    thumb_url: str = ""
    author: str = ""
    digest: str = ""
    content: str = ""
    url: str = ""
    content_source_url: str = ""
    show_cover_pic: Flag = False
    need_open_comment: Flag = False
    only_fans_can_comment: Flag = False


class ArticlesMaterial(Answer):
    """Material that is articles."""

    articles: tuple[MaterialArticle, ...] = Field(alias="news_item")


class VideoMaterial(Answer):
    """Material that is a video."""

    title: str = ""
    description: str = ""
    down_url: str
    """The address of the video."""


class MaterialCount(Answer):
    """The number of materials of each type, including those from WeChat's console."""

    voice_count: int = 0
    video_count: int = 0
    image_count: int = 0
    news_count: int = 0


class MaterialItem(Answer):
    """One piece of material in the list."""

    media_id: str
    name: str = ""
    url: str = ""
    update_time: Timestamp | None = None
    content: ArticlesMaterial | None = None
    """Of articles."""


class MaterialPage(Answer):
    """A page of the list of material."""

    total: int = Field(default=0, alias="total_count")
    items: tuple[MaterialItem, ...] = Field(default=(), alias="item")


class Materials(Family):
    """Permanent material: 100,000 images and articles, 1,000 of each other type."""

    title = "永久素材"

    @post(
        "/cgi-bin/material/add_material",
        name="addMaterial",
        title="上传永久素材",
        repeat=Repeat.SEND,
        errcodes=ADD_ERRORS,
        fixed_query={"type": "image"},
    )
    async def add_image(
        self,
        image: Annotated[
            UploadFile,
            FileLimits(10 * MEGABYTE, (".bmp", ".png", ".jpeg", ".jpg", ".gif")),
            Key("media"),
            Refused(WRONG_SIZE),
        ],
    ) -> NewMaterial:
        """Add an image of up to 10 MB: BMP, PNG, JPEG or GIF."""

    @post(
        "/cgi-bin/material/add_material",
        name="addMaterial",
        title="上传永久素材",
        repeat=Repeat.SEND,
        errcodes=ADD_ERRORS,
        fixed_query={"type": "voice"},
    )
    async def add_voice(
        self,
        voice: Annotated[
            UploadFile, FileLimits(2 * MEGABYTE, (".mp3", ".wma", ".wav", ".amr")), Key("media"), Refused(WRONG_SIZE)
        ],
    ) -> NewMaterial:
        """Add a recording of up to 2 MB and 60 seconds: MP3, WMA, WAV or AMR."""

    @post(
        "/cgi-bin/material/add_material",
        name="addMaterial",
        title="上传永久素材",
        repeat=Repeat.SEND,
        errcodes=ADD_ERRORS,
        fixed_query={"type": "video"},
    )
    async def add_video(self, video: Video, description: Annotated[VideoDescription, JsonText()]) -> NewMaterial:
        """Add a video of up to 10 MB: MP4."""

    @post(
        "/cgi-bin/material/add_material",
        name="addMaterial",
        title="上传永久素材",
        repeat=Repeat.SEND,
        errcodes=ADD_ERRORS,
        fixed_query={"type": "thumb"},
    )
    async def add_thumb(self, thumb: Thumb) -> NewMaterial:
        """Add the small picture of a video or of music, of up to 64 KB: JPEG."""

    @post(
        "/cgi-bin/material/get_material",
        name="getMaterial",
        title="获取永久素材",
        repeat=Repeat.READ,
        errcodes=(40007,),
    )
    async def find(self, media_id: MediaId) -> File | ArticlesMaterial | VideoMaterial:
        """Return a file, articles, or a video's address."""

    @post(
        "/cgi-bin/material/del_material",
        name="delMaterial",
        title="删除永久素材",
        repeat=Repeat.READ,
        errcodes=(40007, 48005),
    )
    async def delete(self, media_id: MediaId) -> None:
        """Delete material; refused while a menu or an automatic reply uses it (48005)."""

    @get(
        "/cgi-bin/material/get_materialcount",
        name="getMaterialCount",
        title="获取永久素材总数",
        repeat=Repeat.READ,
    )
    async def count(self) -> MaterialCount:
        """Return the number of materials of each type."""

    @post(
        "/cgi-bin/material/batchget_material",
        name="batchGetMaterial",
        title="获取永久素材列表",
        repeat=Repeat.READ,
        errcodes=(40004, 40007),
    )
    async def page(
        self,
        kind: Annotated[Literal["image", "video", "voice", "news"], Key("type"), Refused(40004)],
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=20)] = 20,
    ) -> MaterialPage:
        """Return up to 20 pieces of material of one kind, newest first."""
