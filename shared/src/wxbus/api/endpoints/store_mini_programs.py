"""Mini Programs that are stores, made by an Official Account."""

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    NumberId,
    get,
    post,
)

JsonText: TypeAlias = Annotated[str, Field(min_length=2, examples=["{}"])]
"""JSON as text."""


class MerchantAudit(Answer):
    """The status of the application."""

    audit_id: str = ""
    status: int = 0
    """0 none, 1 passed, 2 is reviewed, 3 refused, 4 must be confirmed."""
    reason: str = ""


class Location(Answer):
    """A point on the map."""

    lng: float = 0
    lat: float = 0


class District(Answer):
    """A province, city or district."""

    id: str
    name: str = ""
    fullname: str = ""
    location: Location | None = None
    cidx: tuple[int, ...] = ()
    """The first and the last of its parts in the next list."""


class MapPlace(Answer):
    """A place on the map."""

    sosomap_poi_uid: str
    branch_name: str = ""
    category: str = ""
    address: str = ""
    telephone: str = ""
    longitude: float = 0
    latitude: float = 0


class MapStore(Answer):
    """A store."""

    poi_id: str = ""
    business_name: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    address: str = ""
    telephone: str = ""
    longitude: float = 0
    latitude: float = 0
    open_time: str = ""
    status: int = 0
    """1 passed, 2 is reviewed, 3 refused."""


class MapStoreEntry(Answer):
    """A store in a list."""

    base_info: MapStore = MapStore()


class MapStorePage(Answer):
    """A page of stores."""

    total_count: int = 0
    business_list: tuple[MapStoreEntry, ...] = ()


class StoreUpdate(Answer):
    """Whether a change is reviewed."""

    has_audit_id: bool = False
    audit_id: str = ""


class StoreMiniPrograms(Family):
    """Mini Programs that are stores."""

    title = "门店小程序"
    kinds = ("official_account",)

    @get("/wxa/get_merchant_category", name="getMerchantCategory", title="拉取门店小程序类目", repeat=Repeat.READ)
    async def categories(self) -> Annotated[list[dict[str, Any]], Key("data.all_category_info.categories")]:
        """Return the categories."""

    @post("/wxa/apply_merchant", name="applyMerchant", title="创建门店小程序", repeat=Repeat.SEND)
    async def apply(
        self,
        first_category: Annotated[int, Key("first_catid")],
        second_category: Annotated[int, Key("second_catid")],
        nickname: str,
        introduction: Annotated[str, Key("intro")],
        picture: Annotated[Id, Key("headimg_mediaid")],
        *,
        qualifications: Annotated[list[str] | None, Key("qualification_list")] = None,
        org_code: str | None = None,
        other_files: list[str] | None = None,
    ) -> None:
        """Apply for a Mini Program; the owner must confirm it."""

    @get(
        "/wxa/get_merchant_audit_info", name="getMerchantAuditInfo", title="查询门店小程序审核结果", repeat=Repeat.READ
    )
    async def application(self) -> Annotated[MerchantAudit, Key("data")]:
        """Return the status of the application."""

    @post("/wxa/modify_merchant", name="modifyMerchant", title="修改门店小程序信息", repeat=Repeat.READ)
    async def change(
        self, introduction: Annotated[str, Key("intro")], picture: Annotated[Id, Key("headimg_mediaid")]
    ) -> None:
        """Change introduction and picture."""

    @get("/wxa/get_district", name="getDistrict", title="从腾讯地图拉取省市区信息", repeat=Repeat.READ)
    async def districts(self) -> Annotated[list[list[District]], Key("result")]:
        """Return provinces, cities and districts."""

    @post("/wxa/search_map_poi", name="searchMapPoi", title="在腾讯地图中搜索门店", repeat=Repeat.READ)
    async def search_map(
        self, district_id: Annotated[NumberId, Key("districtid")], keyword: Annotated[str, Field(min_length=1)]
    ) -> Annotated[list[MapPlace], Key("data.item")]:
        """Return places on the map."""

    @post("/wxa/create_map_poi", name="createMapPoi", title="在腾讯地图中创建门店", repeat=Repeat.SEND)
    async def create_on_map(
        self,
        name: str,
        category: str,
        introduction: Annotated[str, Key("introduct")],
        telephone: str,
        longitude: str,
        latitude: str,
        district_id: Annotated[NumberId, Key("districtid")],
        province: str,
        city: str,
        district: str,
        address: str,
        photo: str,
        licence: Annotated[str, Key("license")],
        *,
        poi_id: str | None = None,
    ) -> Annotated[str, Key("data.base_id")]:
        """Create a place on the map, which is reviewed."""

    @post("/wxa/add_store", name="addStore", title="添加门店", repeat=Repeat.SEND)
    async def add(
        self,
        map_poi_id: str,
        pictures: Annotated[JsonText, Key("pic_list")],
        hours: Annotated[str, Key("hour")],
        address: str,
        company_name: str,
        phone: Annotated[str, Key("contract_phone")],
        credential: str,
        card_id: str,
        *,
        poi_id: str | None = None,
        qualifications: Annotated[list[str] | None, Key("qualification_list")] = None,
    ) -> Annotated[str, Key("data.audit_id")]:
        """Add a store, which is reviewed."""

    @post("/wxa/update_store", name="updateStore", title="更新门店信息", repeat=Repeat.READ)
    async def update(
        self,
        poi_id: Id,
        map_poi_id: str,
        pictures: Annotated[JsonText, Key("pic_list")],
        hours: Annotated[str, Key("hour")],
        phone: Annotated[str, Key("contract_phone")],
        card_id: str,
    ) -> Annotated[StoreUpdate, Key("data")]:
        """Change a store."""

    @post("/wxa/get_store_info", name="getStoreInfo", title="获取单个门店信息", repeat=Repeat.READ)
    async def find(self, poi_id: Id) -> Annotated[MapStore, Key("business.base_info")]:
        """Return a store."""

    @post("/wxa/get_store_list", name="getStoreList", title="获取门店信息列表", repeat=Repeat.READ)
    async def page(
        self, *, offset: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=50)] = 50
    ) -> MapStorePage:
        """Return up to 50 stores."""

    @post("/wxa/del_store", name="delStore", title="删除门店", repeat=Repeat.READ)
    async def delete(self, poi_id: Id) -> None:
        """Delete a store."""
