"""Drafts of articles."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, MaxBytes, Part, Refused, Timestamp, get, post

ARTICLE_ERRORS = (40007, 45003, 45004, 45110, 45166, 53404, 53405, 53406)
PAGE = 20

MediaId = Annotated[Id, Refused(40007)]


class Image(Part):
    """An image of an article of images."""

    image_media_id: Id
    """Of permanent material."""


class ImageInfo(Part):
    """The images of an article of images."""

    image_list: list[Image] = Field(min_length=1, max_length=20)


class Crop(Part):
    """A crop of the first image; each side is a fraction of the image, such as "0.1945"."""

    ratio: Literal["1_1", "16_9", "2.35_1"]
    x1: str
    y1: str
    x2: str
    y2: str


class CoverInfo(Part):
    """The crops of the first image for the cover."""

    crop_percent_list: list[Crop] = Field(min_length=1, max_length=3)


class DraftArticle(Part):
    """One article of a draft.

    The text is HTML of less than 20,000 characters and 1 MB; its pictures must have addresses of
    `media.upload_article_image`.
    """

    title: Annotated[str, Field(min_length=1, max_length=32), Refused(45003)]
    content: Annotated[str, Field(min_length=1, max_length=20_000), MaxBytes(1024 * 1024), Refused(45166)]
    article_type: Literal["news", "newspic"] = "news"
    """An article, or images with a text."""
    thumb_media_id: Id | None = None
    """The cover, of permanent material; required for "news"."""
    author: Annotated[str, Field(max_length=16), Refused(45110)] | None = None
    digest: Annotated[str, Field(max_length=128), Refused(45004)] | None = None
    """By default the first 54 characters of the text."""
    content_source_url: Annotated[str, MaxBytes(1024)] | None = None
    """The address behind "Read more"."""
    need_open_comment: Flag | None = None
    only_fans_can_comment: Flag | None = None
    pic_crop_235_1: str | None = None
    """The crop of the cover as X1_Y1_X2_Y2, with six decimals each."""
    pic_crop_1_1: str | None = None
    image_info: ImageInfo | None = None
    """For "newspic"."""
    cover_info: CoverInfo | None = None


class Article(Answer):
    """One article, as WeChat keeps it."""

    title: str = ""
    author: str = ""
    digest: str = ""
    content: str = ""
    article_type: str = "news"
    content_source_url: str = ""
    thumb_media_id: str = ""
    thumb_url: str = ""
    need_open_comment: bool = False
    only_fans_can_comment: bool = False
    url: str = ""
    """Of a preview, or of the published article."""
    is_deleted: bool = False


class Articles(Answer):
    """The articles of a draft or a publication."""

    news_item: tuple[Article, ...] = ()


class Draft(Answer):
    """A draft in a list."""

    media_id: str
    content: Articles = Articles()
    update_time: Timestamp | None = None


class DraftPage(Answer):
    """A page of all drafts, the newest first."""

    total_count: int = 0
    item_count: int = 0
    item: tuple[Draft, ...] = ()


class ProductCard(Answer):
    """A product in an article."""

    product_key: str = ""
    html: str = Field(default="", alias="DOM")


class Drafts(Family):
    """Drafts of articles, to be published or sent to followers."""

    title = "草稿"

    @post("/cgi-bin/draft/add", name="draft_add", title="新增草稿", repeat=Repeat.SEND, errcodes=ARTICLE_ERRORS)
    async def add(
        self, articles: Annotated[list[DraftArticle], Field(min_length=1, max_length=8)]
    ) -> Annotated[str, Key("media_id")]:
        """Add a draft of up to 8 articles and return its media id."""

    @post(
        "/cgi-bin/draft/update",
        name="draft_update",
        title="更新草稿",
        repeat=Repeat.READ,
        errcodes=(40007, 40114, 41039, 45166, 53404, 53405, 53406, 88000),
    )
    async def update(
        self,
        media_id: MediaId,
        article: Annotated[DraftArticle, Key("articles")],
        *,
        index: Annotated[int, Field(ge=0, le=7), Refused(40114)] = 0,
    ) -> None:
        """Replace one article of a draft; `index` counts from 0."""

    @post("/cgi-bin/draft/get", name="getDraft", title="获取草稿详情", repeat=Repeat.READ, errcodes=(40007,))
    async def find(self, media_id: MediaId) -> Annotated[list[Article], Key("news_item")]:
        """Return the articles of a draft."""

    @post("/cgi-bin/draft/delete", name="draft_delete", title="删除草稿", repeat=Repeat.READ, errcodes=(40007,))
    async def delete(self, media_id: MediaId) -> None:
        """Delete a draft, irreversibly."""

    @get("/cgi-bin/draft/count", name="draft_count", title="获取草稿的总数", repeat=Repeat.READ)
    async def count(self) -> Annotated[int, Key("total_count")]:
        """Return the number of drafts."""

    @post("/cgi-bin/draft/batchget", name="draft_batchget", title="获取草稿列表", repeat=Repeat.READ)
    async def page(
        self,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=PAGE)] = PAGE,
        without_text: Annotated[Flag, Key("no_content")] = False,
    ) -> DraftPage:
        """Return up to 20 drafts, the newest first; `without_text` leaves out the HTML."""

    @post("/cgi-bin/draft/switch", name="draft_switch", title="草稿箱开关设置", repeat=Repeat.READ)
    async def switch_on(self) -> Annotated[bool, Key("is_open")]:
        """Switch the account from permanent articles to drafts, permanently; newer accounts have nothing else."""

    @post(
        "/cgi-bin/draft/switch",
        name="draft_switch",
        title="草稿箱开关设置",
        repeat=Repeat.READ,
        fixed_query={"checkonly": 1},
    )
    async def is_switched_on(self) -> Annotated[bool, Key("is_open")]:
        """Return whether the account has drafts."""

    @post(
        "/channels/ec/service/product/getcardinfo",
        name="ecsgetproductcardinfo",
        title="获取商品卡片的DOM结构",
        repeat=Repeat.READ,
        errcodes=(10170001, 10170002, 10170003),
    )
    async def product_card(
        self,
        product_id: Annotated[Id, Refused(10170001)],
        article_type: Annotated[Literal["news", "newspic"], Refused(10170002)] = "news",
        card_type: Annotated[Literal[0, 1, 2, 3], Refused(10170003)] = 0,
    ) -> ProductCard:
        """Return the HTML of a product for an article: a large card (0), a small one (1), a text (2) or a bar (3)."""
