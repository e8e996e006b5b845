"""Goods of virtual payment, and lists of orders to download; each is made by a task of WeChat."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, Part, Timestamp, post
from wxbus.api.endpoints.payment_rules import ERRORS, TASK_ERRORS, AppKey, Environment
from wxbus.api.endpoints.periods import CompactNumberDay


class Goods(Part):
    """Goods to upload; the price is in fen."""

    id: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=64)
    price: int = Field(ge=1)
    remark: str = ""
    item_url: str = ""
    """Of a picture."""


class GoodsId(Part):
    """Goods to publish."""

    id: str = Field(min_length=1, max_length=64)


class UploadedGoods(Answer):
    """Goods of the last upload."""

    id: str
    name: str = ""
    price: int = 0
    remark: str = ""
    item_url: str = ""
    upload_status: int = 0
    """0 running, 1 the id exists, 2 done, 3 failed."""
    errmsg: str = ""


class UploadTask(Answer):
    """The last upload."""

    status: int = 0
    """0 none, 1 running, 2 failed or partly done, 3 done."""
    upload_item: tuple[UploadedGoods, ...] = ()


class PublishedGoods(Answer):
    """Goods of the last publication."""

    id: str
    publish_status: int = 0
    """0 running, 1 the id exists, 2 done, 3 failed."""
    errmsg: str = ""


class PublishTask(Answer):
    """The last publication."""

    status: int = 0
    publish_item: tuple[PublishedGoods, ...] = ()


class OrderDownload(Answer):
    """A list of orders that WeChat makes."""

    task_id: str
    status: int = 0
    download_url: str = ""
    expire_at: Timestamp | None = None


class MonthBill(Answer):
    """The bill of one month."""

    month: str
    bill_url: str = ""


class Limitation(Answer):
    """The reason for a limit of the merchant, and how to lift it."""

    limitation_case_id: str = ""
    limitation_reason_type: str = ""
    limitation_reason: str = ""
    limitation_reason_describe: str = ""
    relate_limitations: str = ""
    recover_way: str = ""
    recover_help_url: str = ""
    limitation_date: str = ""


class Limitations(Answer):
    """The limits of the merchant."""

    appid: str = ""
    nickname: str = ""
    merchant_code: str = ""
    limited_functions: tuple[str, ...] = ()
    recovery_specifications: tuple[Limitation, ...] = ()


class PaymentGoods(Family):
    """Goods of virtual payment, and lists of orders."""

    title = "虚拟支付道具与订单"
    kinds = ("mini_program",)

    @post(
        "/xpay/start_upload_goods",
        name="start_upload_goods",
        title="批量上传道具",
        repeat=Repeat.NEVER,
        errcodes=TASK_ERRORS,
    )
    async def upload(
        self,
        goods: Annotated[list[Goods], Field(min_length=1), Key("upload_item")],
        app_key: AppKey,
        *,
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Start to upload goods; one task at a time (268490012)."""

    @post(
        "/xpay/query_upload_goods",
        name="query_upload_goods",
        title="查询批量上传道具任务",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def uploaded(self, app_key: AppKey, *, env: Environment = Environment.PRODUCTION) -> UploadTask:
        """Return the status of the last upload."""

    @post(
        "/xpay/start_publish_goods",
        name="start_publish_goods",
        title="启动批量发布道具任务",
        repeat=Repeat.NEVER,
        errcodes=TASK_ERRORS,
    )
    async def publish(
        self,
        goods: Annotated[list[GoodsId], Field(min_length=1), Key("publish_item")],
        app_key: AppKey,
        *,
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Start to publish uploaded goods; one task at a time (268490012)."""

    @post(
        "/xpay/query_publish_goods",
        name="query_publish_goods",
        title="查询批量发布道具任务",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def published(self, app_key: AppKey, *, env: Environment = Environment.PRODUCTION) -> PublishTask:
        """Return the status of the last publication."""

    @post(
        "/xpay/start_download_order",
        name="start_download_order",
        title="下载支付订单",
        repeat=Repeat.NEVER,
        errcodes=TASK_ERRORS,
    )
    async def start_download(
        self,
        begin: Annotated[CompactNumberDay, Key("begin_ds")],
        end: Annotated[CompactNumberDay, Key("end_ds")],
        order_type: int,
        pay_channel: int,
        app_key: AppKey,
        *,
        order_info: str | None = None,
        is_provided: bool | None = None,
        refund_status: int | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("task_id")]:
        """Start to make a list of orders; return the id of the task."""

    @post(
        "/xpay/query_download_order",
        name="query_download_order",
        title="查询下载订单任务",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def download(
        self, task_id: Id, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> OrderDownload:
        """Return the address of a list of orders, once it is made."""

    @post(
        "/xpay/download_ios_settlement_bill",
        name="download_ios_settlement_bill",
        title="下载虚拟支付ios月结账单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def ios_bills(
        self,
        start_month: Annotated[str, Field(pattern="^[0-9]{6}$", examples=["202601"])],
        end_month: Annotated[str, Field(pattern="^[0-9]{6}$", examples=["202601"])],
        app_key: AppKey,
    ) -> Annotated[list[MonthBill], Key("bill_list")]:
        """Return the bills of payments on iOS, by month."""

    @post(
        "/xpay/query_punishment_reasons",
        name="query_punishment_reasons",
        title="商户被管控原因查询",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def limitations(self, app_key: AppKey) -> Limitations:
        """Return the limits of the merchant, with their reasons and how to lift them."""
