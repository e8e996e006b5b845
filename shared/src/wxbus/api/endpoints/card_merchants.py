"""Merchants whose cards an Official Account issues."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Part,
    Timestamp,
    post,
)


class MerchantInfo(Part):
    """A merchant."""

    brand_name: str = Field(min_length=1, max_length=12)
    logo_url: str
    protocol: str
    """The media id of the contract."""
    end_time: Timestamp
    primary_category_id: int
    secondary_category_id: int
    app_id: str | None = None
    agreement_media_id: str | None = None
    operator_media_id: str | None = None


class ChangedMerchant(MerchantInfo):
    """A merchant that exists."""

    merchant_id: str


class Merchant(Answer):
    """A merchant."""

    merchant_id: str
    app_id: str = ""
    brand_name: str = ""
    logo_url: str = ""
    status: str = ""
    """CHECKING, APPROVED, REJECTED or EXPIRED."""
    begin_time: Timestamp | None = None
    end_time: Timestamp | None = None
    primary_category_id: int = 0
    secondary_category_id: int = 0
    create_time: Timestamp | None = None
    update_time: Timestamp | None = None


class MerchantPage(Answer):
    """A page of merchants."""

    info_list: tuple[Merchant, ...] = ()
    next_begin_id: str = ""


class CardMerchants(Family):
    """Merchants; the result of a review is a `CardMerchantCheckResultEvent`."""

    title = "卡券子商户"
    kinds = ("official_account",)

    @post("/card/submerchant/submit", name="submitSubmerchant", title="创建子商户", repeat=Repeat.SEND)
    async def add(self, merchant: Annotated[MerchantInfo, Key("info")]) -> Annotated[Merchant, Key("info")]:
        """Add a merchant, who is reviewed."""

    @post("/card/submerchant/update", name="updateSubmerchant", title="更新子商户", repeat=Repeat.READ)
    async def change(self, merchant: Annotated[ChangedMerchant, Key("info")]) -> Annotated[Merchant, Key("info")]:
        """Change a merchant."""

    @post("/card/submerchant/get", name="getSubmerchant", title="拉取单个子商户信息", repeat=Repeat.READ)
    async def find(self, merchant_id: Id) -> Annotated[Merchant, Key("info")]:
        """Return a merchant."""

    @post("/card/submerchant/batchget", name="batchGetSubmerchant", title="批量拉取子商户信息", repeat=Repeat.READ)
    async def page(
        self, *, begin_id: str = "0", limit: Annotated[int, Field(ge=1, le=100)] = 50, status: str | None = None
    ) -> MerchantPage:
        """Return merchants after `begin_id`; with `status` only those in this state."""
