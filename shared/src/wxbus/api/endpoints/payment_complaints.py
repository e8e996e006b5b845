"""Complaints of buyers about virtual payment."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, post
from wxbus.api.endpoints.payment_rules import ERRORS, AppKey, Environment


class PaymentComplaint(Answer):
    """A complaint."""

    complaint_id: str
    complaint_time: str = ""
    """RFC 3339."""
    complaint_detail: str = ""
    complaint_state: str = ""
    """PENDING, PROCESSING or PROCESSED."""
    payer_phone: str = ""
    payer_openid: str = ""
    complaint_order_info: tuple[dict[str, Any], ...] = ()
    complaint_full_refunded: bool = False
    incoming_user_response: bool = False
    """Whether an answer to the user is missing."""
    user_complaint_times: int = 0
    complaint_media_list: tuple[dict[str, Any], ...] = ()
    problem_description: str = ""
    problem_type: str = ""
    apply_refund_amount: int = 0
    """In fen."""


class ComplaintPage(Answer):
    """A page of complaints."""

    total: int = 0
    complaints: tuple[PaymentComplaint, ...] = ()


class Negotiation(Answer):
    """One step of the negotiation with the user."""

    log_id: str = ""
    operator: str = ""
    operate_time: str = ""
    operate_type: str = ""
    operate_details: str = ""
    complaint_media_list: tuple[dict[str, Any], ...] = ()


class NegotiationPage(Answer):
    """A page of steps."""

    total: int = 0
    history: tuple[Negotiation, ...] = ()


class FileSignature(Answer):
    """The signature with which WeChat Pay returns a picture of a complaint."""

    sign: str = ""
    """The header `Authorization`."""
    cos_url: str = ""


class PaymentComplaints(Family):
    """Complaints of buyers; a new one is an `XpayComplaintEvent`."""

    title = "虚拟支付投诉"
    kinds = ("mini_program",)

    @post(
        "/xpay/get_complaint_list", name="get_complaint_list", title="获取投诉列表", repeat=Repeat.READ, errcodes=ERRORS
    )
    async def page(
        self,
        begin: Annotated[date, Key("begin_date")],
        end: Annotated[date, Key("end_date")],
        app_key: AppKey,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=50)] = 50,
        env: Environment = Environment.PRODUCTION,
    ) -> ComplaintPage:
        """Return up to 50 complaints of a period."""

    @post(
        "/xpay/get_complaint_detail",
        name="get_complaint_detail",
        title="获取投诉详情",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def find(
        self, complaint_id: Id, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> Annotated[PaymentComplaint, Key("complaint")]:
        """Return a complaint."""

    @post(
        "/xpay/get_negotiation_history",
        name="get_negotiation_history",
        title="获取协商历史",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def negotiations(
        self,
        complaint_id: Id,
        app_key: AppKey,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=50)] = 50,
        env: Environment = Environment.PRODUCTION,
    ) -> NegotiationPage:
        """Return up to 50 steps of the negotiation with the user."""

    @post("/xpay/response_complaint", name="response_complaint", title="回复用户", repeat=Repeat.SEND, errcodes=ERRORS)
    async def respond(
        self,
        complaint_id: Id,
        content: Annotated[str, Field(min_length=1), Key("response_content")],
        app_key: AppKey,
        *,
        images: Annotated[list[str] | None, Key("response_images")] = None,
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Answer the user; images are ids of `upload`."""

    @post(
        "/xpay/complete_complaint", name="complete_complaint", title="完成投诉处理", repeat=Repeat.READ, errcodes=ERRORS
    )
    async def complete(self, complaint_id: Id, app_key: AppKey, *, env: Environment = Environment.PRODUCTION) -> None:
        """Mark a complaint as settled."""

    @post("/xpay/upload_vp_file", name="upload_vp_file", title="上传媒体文件", repeat=Repeat.SEND, errcodes=ERRORS)
    async def upload(
        self,
        file_name: Annotated[str, Field(min_length=1)],
        app_key: AppKey,
        *,
        base64_image: Annotated[Annotated[str, Field(max_length=1024 * 1024)] | None, Key("base64_img")] = None,
        image_url: Annotated[str | None, Key("img_url")] = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("file_id")]:
        """Upload a picture, of up to 1 MB in Base64, or of up to 2 MB by its address; return its id."""

    @post(
        "/xpay/get_upload_file_sign",
        name="get_upload_file_sign",
        title="获取微信支付反馈投诉图片的签名头部",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def file_signature(
        self,
        complaint_id: Id,
        url: Annotated[str, Field(min_length=1), Key("wxpay_url")],
        app_key: AppKey,
        *,
        convert: Annotated[bool, Key("convert_cos")] = False,
        env: Environment = Environment.PRODUCTION,
    ) -> FileSignature:
        """Return the signature with which WeChat Pay returns a picture of a complaint."""
