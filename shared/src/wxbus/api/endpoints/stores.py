"""The stores of an Official Account, on the map and in cards."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Part,
    Refused,
    get,
    post,
)


class Photo(Part):
    """A picture, by its address at WeChat."""

    photo_url: str


class StoreInfo(Part):
    """A store to create."""

    business_name: str = Field(min_length=1, max_length=15)
    """Without the branch."""
    branch_name: str | None = Field(default=None, max_length=20)
    province: str = Field(max_length=10)
    city: str = Field(max_length=30)
    district: str = Field(max_length=10)
    address: str = Field(min_length=1, max_length=80)
    telephone: str = Field(max_length=53)
    categories: list[str] = Field(min_length=1)
    """As `categories` lists them: "food,tea"."""
    offset_type: Literal[1, 2, 3, 4, 5]
    """The kind of coordinates: 1 Mars, 2 Sogou, 3 Baidu, 4 Mapbar, 5 GPS."""
    longitude: float
    latitude: float
    sid: str | None = None
    """Your id."""
    photo_list: list[Photo] | None = Field(default=None, max_length=20)
    recommend: str | None = Field(default=None, max_length=200)
    special: str | None = Field(default=None, max_length=200)
    introduction: str | None = Field(default=None, max_length=300)
    open_time: str | None = None
    """8:00-20:00."""
    avg_price: int | None = Field(default=None, ge=1)
    """In yuan."""


class StoreChange(Part):
    """The fields of a store that may change."""

    poi_id: str
    telephone: str | None = None
    photo_list: list[Photo] | None = None
    recommend: str | None = None
    special: str | None = None
    introduction: str | None = None
    open_time: str | None = None
    avg_price: int | None = None


class PhotoUrl(Answer):
    """A picture."""

    photo_url: str = ""


class StoreDetails(Answer):
    """A store."""

    poi_id: str = ""
    sid: str = ""
    business_name: str = ""
    branch_name: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    address: str = ""
    telephone: str = ""
    categories: tuple[str, ...] = ()
    longitude: float = 0
    latitude: float = 0
    photo_list: tuple[PhotoUrl, ...] = ()
    open_time: str = ""
    avg_price: float = 0
    available_state: int = 0
    """1 fault, 2 under review, 3 passed, 4 refused."""
    update_status: int = 0


class StoreEntry(Answer):
    """A store in a list."""

    base_info: StoreDetails = StoreDetails()


class StorePage(Answer):
    """A page of stores."""

    total_count: int = 0
    business_list: tuple[StoreEntry, ...] = ()


PoiId: TypeAlias = Annotated[Id, Key("poi_id"), Refused(65115)]


class Stores(Family):
    """The stores of an Official Account. The result of a review is a `PoiCheckEvent`."""

    title = "门店"
    kinds = ("official_account",)

    @post(
        "/cgi-bin/poi/addpoi",
        name="addPoi",
        title="创建门店",
        repeat=Repeat.SEND,
        errcodes=(40009, 65104, 65105, 65109),
    )
    async def add(self, store: Annotated[StoreInfo, Key("business.base_info")]) -> Annotated[str, Key("poi_id")]:
        """Create a store, which is reviewed."""

    @post("/cgi-bin/poi/getpoi", name="getPoi", title="查询门店信息", repeat=Repeat.READ, errcodes=(65115, 65116))
    async def find(self, poi_id: PoiId) -> Annotated[StoreDetails, Key("business.base_info")]:
        """Return a store."""

    @post("/cgi-bin/poi/getpoilist", name="getPoiList", title="查询门店列表", repeat=Repeat.READ)
    async def page(
        self, *, begin: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=50)] = 50
    ) -> StorePage:
        """Return up to 50 stores."""

    @post(
        "/cgi-bin/poi/updatepoi",
        name="updatePoi",
        title="修改门店服务信息",
        repeat=Repeat.READ,
        errcodes=(65107, 65115),
    )
    async def change(self, store: Annotated[StoreChange, Key("business.base_info")]) -> None:
        """Change a store."""

    @post("/cgi-bin/poi/delpoi", name="delPoi", title="删除门店", repeat=Repeat.READ, errcodes=(65115, 65117))
    async def delete(self, poi_id: PoiId) -> None:
        """Delete a store."""

    @get("/cgi-bin/poi/getwxcategory", name="getWxCategory", title="门店类目表", repeat=Repeat.READ, older="POST")
    async def categories(self) -> Annotated[list[str], Key("category_list")]:
        """Return the categories: "food,tea"."""
