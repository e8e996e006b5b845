"""Publications of drafts on the account's page, without a message to followers."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, Refused, Timestamp, post
from wxbus.api.endpoints.drafts import PAGE, Article, Articles

ArticleId = Annotated[Id, Refused(53600)]


class PublishJob(Answer):
    """A publication that WeChat accepted; it is not checked yet."""

    publish_id: str
    msg_data_id: str = ""
    """Names the articles, for comments."""


class PublishedUrl(Answer):
    """The address of one article."""

    idx: int
    article_url: str


class PublishedUrls(Answer):
    """The addresses of the articles."""

    count: int = 0
    item: tuple[PublishedUrl, ...] = ()


class PublishStatus(Answer):
    """The status of a publication."""

    publish_id: str
    publish_status: int
    """0 done, 1 running, 2 not original, 3 failed, 4 rejected, 5 deleted by the owner, 6 banned."""
    article_id: str = ""
    """Only for 0."""
    article_detail: PublishedUrls = PublishedUrls()
    fail_idx: tuple[int, ...] = ()
    """The articles that failed, from 1, for 2 and 4."""


class Publication(Answer):
    """A publication in a list."""

    article_id: str
    content: Articles = Articles()
    update_time: Timestamp | None = None


class PublicationPage(Answer):
    """A page of all publications, the newest first."""

    total_count: int = 0
    item_count: int = 0
    item: tuple[Publication, ...] = ()


class Publications(Family):
    """Publications of drafts. The result of a publication is a `PublishJobFinishEvent`."""

    title = "发布"

    @post(
        "/cgi-bin/freepublish/submit",
        name="freepublish_submit",
        title="发布草稿",
        repeat=Repeat.SEND,
        errcodes=(40007, 53503, 53504, 53505),
    )
    async def submit(self, media_id: Annotated[Id, Refused(40007)]) -> PublishJob:
        """Publish a draft; the answer means that WeChat accepted it."""

    @post(
        "/cgi-bin/freepublish/get",
        name="freepublish_get",
        title="发布状态查询",
        repeat=Repeat.READ,
        errcodes=(40002,),
    )
    async def status(self, publish_id: Annotated[Id, Refused(40002)]) -> PublishStatus:
        """Return the status of a publication."""

    @post(
        "/cgi-bin/freepublish/delete",
        name="freepublishDelete",
        title="删除发布文章",
        repeat=Repeat.READ,
        errcodes=(53600,),
    )
    async def delete(self, article_id: ArticleId, *, index: Annotated[int, Field(ge=0)] = 0) -> None:
        """Delete a published article permanently; `index` counts from 1, 0: all."""

    @post(
        "/cgi-bin/freepublish/getarticle",
        name="freepublishGetarticle",
        title="获取已发布图文信息",
        repeat=Repeat.READ,
        errcodes=(53600,),
    )
    async def find(self, article_id: ArticleId) -> Annotated[list[Article], Key("news_item")]:
        """Return the articles of a publication."""

    @post(
        "/cgi-bin/freepublish/batchget",
        name="freepublish_batchget",
        title="获取已发布的消息列表",
        repeat=Repeat.READ,
    )
    async def page(
        self,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=PAGE)] = PAGE,
        without_text: Annotated[Flag, Key("no_content")] = False,
    ) -> PublicationPage:
        """Return up to 20 publications, the newest first; `without_text` leaves out the HTML."""
