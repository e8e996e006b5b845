"""Articles as permanent material; drafts have replaced them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Flag, Key, Part, Refused, post
from wxbus.api.endpoints.temporary_media import MediaId, UploadedMedia


class NewArticle(Part):
    """An article of permanent material."""

    title: str = Field(min_length=1, max_length=64)
    thumb_media_id: MediaId
    """The cover: permanent material."""
    content: str = Field(min_length=1)
    """HTML; images by `Media.upload_article_image`."""
    author: str | None = None
    digest: str | None = None
    content_source_url: str | None = None
    show_cover_pic: Flag | None = None
    need_open_comment: Flag | None = None
    only_fans_can_comment: Flag | None = None


class OldArticles(Family):
    """Articles as permanent material, and what mass messages needed; drafts have replaced them."""

    title = "永久图文素材（旧）"

    @post(
        "/cgi-bin/material/add_news",
        title="新增永久图文素材",
        repeat=Repeat.SEND,
        errcodes=(40007, 45003, 45004),
    )
    async def add(
        self, articles: Annotated[Sequence[NewArticle], Field(min_length=1, max_length=8)]
    ) -> Annotated[str, Key("media_id")]:
        """Add up to 8 articles, and return their id."""

    @post(
        "/cgi-bin/material/update_news",
        title="修改永久图文素材",
        repeat=Repeat.READ,
        errcodes=(40007, 40114),
    )
    async def update(
        self,
        media_id: MediaId,
        index: Annotated[int, Field(ge=0, le=7), Refused(40114)],
        article: Annotated[NewArticle, Key("articles")],
    ) -> None:
        """Replace one of the articles; `index` counts from 0."""

    @post(
        "/cgi-bin/media/uploadnews",
        name="uploadNewsMsg",
        title="上传图文消息素材",
        repeat=Repeat.READ,
        errcodes=(40007, 45003, 45004),
    )
    async def upload(
        self, articles: Annotated[Sequence[NewArticle], Field(min_length=1, max_length=8)]
    ) -> UploadedMedia:
        """Upload up to 8 articles for a mass message; they expire after three days."""

    @post("/cgi-bin/media/uploadvideo", title="上传群发视频素材", repeat=Repeat.READ, errcodes=(40007,))
    async def upload_video(
        self,
        media_id: MediaId,
        *,
        title: Annotated[str | None, Field(max_length=64)] = None,
        description: Annotated[str | None, Field(max_length=200)] = None,
    ) -> UploadedMedia:
        """Return the id that a mass message needs for an uploaded video."""
