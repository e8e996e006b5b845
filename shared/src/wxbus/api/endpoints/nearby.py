"""A Mini Program among the places nearby."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Flag,
    Id,
    Key,
    Query,
    post,
)

ERRORS: Final = (
    92000, 92002, 92003, 92004, 92005, 92006, 92007, 92008, 93009, 93010, 93011, 93012, 93013, 93014
)  # fmt: skip

JsonText: TypeAlias = Annotated[str, Field(min_length=2, examples=["{}"])]
"""JSON as text."""


class AddedPlace(Answer):
    """A place under review."""

    audit_id: str = ""
    poi_id: str = ""
    related_credential: str = ""


class Place(Answer):
    """A place."""

    poi_id: str = ""
    qualification_address: str = ""
    qualification_num: str = ""
    audit_status: int = 0
    """1 is reviewed, 2 failed, 3 passed, 5 delayed."""
    display_status: int = 0
    refuse_reason: str = ""


class Places(Answer):
    """The places."""

    poi_list: tuple[Place, ...] = ()


class PlacePage(Answer):
    """A page of places, and how many can be added."""

    left_apply_num: int = 0
    max_apply_num: int = 0
    data: Places = Places()


class Nearby(Family):
    """A Mini Program among the places nearby. The result of a review is an `AddNearbyPoiAuditEvent`."""

    title = "附近的小程序"
    kinds = ("mini_program",)

    @post("/wxa/addnearbypoi", name="addNearbyPoi", title="添加地点", repeat=Repeat.SEND, errcodes=ERRORS)
    async def add(
        self,
        store_name: str,
        map_poi_id: str,
        pictures: Annotated[JsonText, Key("pic_list")],
        services: Annotated[JsonText, Key("service_infos")],
        customer_service: Annotated[JsonText, Key("kf_info")],
        hours: Annotated[str, Key("hour")],
        address: str,
        company_name: str,
        phone: Annotated[str, Key("contract_phone")],
        credential: str,
        *,
        poi_id: str = "",
        qualifications: Annotated[list[str] | None, Key("qualification_list")] = None,
        is_comm_nearby: Annotated[Literal["1"], Key("is_comm_nearby")] = "1",
    ) -> Annotated[AddedPlace, Key("data")]:
        """Add a place, which is reviewed; pictures, services and customer service are JSON as text."""

    @post("/wxa/delnearbypoi", name="deleteNearbyPoi", title="删除地点", repeat=Repeat.READ, errcodes=(93010,))
    async def delete(self, poi_id: Id) -> None:
        """Delete a place."""

    @post(
        "/wxa/getnearbypoilist",
        name="getNearbyPoiList",
        title="查看地点",
        repeat=Repeat.READ,
        errcodes=(20002, *ERRORS),
    )
    async def page(
        self,
        *,
        page: Annotated[Annotated[int, Field(ge=1)], Query()] = 1,
        count: Annotated[Annotated[int, Field(ge=1, le=1000)], Query("page_rows")] = 20,
    ) -> Annotated[PlacePage, Key("data")]:
        """Return places."""

    @post(
        "/wxa/setnearbypoishowstatus", name="setShowStatus", title="设置展示状态", repeat=Repeat.READ, errcodes=(93010,)
    )
    async def set_shown(self, poi_id: Id, shown: Annotated[Flag, Key("status")]) -> None:
        """Show a place, or hide it."""
