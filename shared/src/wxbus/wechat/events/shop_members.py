"""Members, sharers and the human customer service of a WeChat Shop; times are seconds since the epoch."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class ShopMember(PlatformPart):
    """A member of the shop; absent members are "" or None."""

    join_time: Int = None
    close_time: Int = None
    phone_number: str = Field(default="", repr=False)
    grade: Int = None
    experience_value: Int = None
    score: Int = None
    """Points after the change."""
    delta_score: Int = None
    """Change of the points."""
    flow_type: Int = None
    """Reason of the change."""


class ShopMemberEvent(PlatformEvent):
    """An event of a shop member."""

    user_info: Maybe[ShopMember] = None


class ShopMemberJoinEvent(ShopMemberEvent):
    """A user became a member."""

    event: str = "channels_ec_vip_join"


class ShopMemberCloseEvent(ShopMemberEvent):
    """A user ended the membership."""

    event: str = "channels_ec_vip_close"


class ShopMemberGradeUpdateEvent(ShopMemberEvent):
    """A member's grade or experience changed."""

    event: str = "channels_ec_vip_grade_info_update"


class ShopMemberScoreUpdateEvent(ShopMemberEvent):
    """A member's points changed."""

    event: str = "channels_ec_vip_score_update"


class ExchangedCoupon(PlatformPart):
    """The coupon of an exchange."""

    related_coupon_id: str = ""


class ExchangedProduct(PlatformPart):
    """The product of an exchange."""

    related_product_id: str = ""


class ShopScoreExchange(PlatformPart):
    """An exchange of points."""

    pay_score: Int = None
    score_item_type: Int = None
    coupon_info: Maybe[ExchangedCoupon] = None
    product_info: Maybe[ExchangedProduct] = None


class ShopMemberScoreExchangeEvent(PlatformEvent):
    """A member exchanged points."""

    event: str = "channels_ec_vip_score_exchange"
    exchange_info: Maybe[ShopScoreExchange] = None


class ShopAward(PlatformPart):
    """The award of a task."""

    award_type: Int = None
    coupon_id: str = ""
    gain_score: Int = None


class ShopTask(PlatformPart):
    """A finished task."""

    task_id: str = ""
    task_name: str = ""
    award_info: Maybe[ShopAward] = None


class ShopMemberTaskAwardEvent(PlatformEvent):
    """A member got an award for a task."""

    event: str = "channels_ec_vip_task_award"
    task_info: Maybe[ShopTask] = None


class LinkedMember(PlatformPart):
    """A member of the Mini Program's membership."""

    shop_appid: str = ""
    outer_userid: str = ""
    identity: str = ""
    add_time: Int = None


class LinkedMemberEvent(PlatformEvent):
    """An event of a member of the Mini Program's membership."""

    info: Maybe[LinkedMember] = None


class LinkedMemberAddEvent(LinkedMemberEvent):
    """A user became a member automatically."""

    event: str = "channels_ec_vip_user_auto_add"


class LinkedMemberInfoGetEvent(LinkedMemberEvent):
    """A shop asks for a member's data."""

    event: str = "channels_ec_vip_user_info_get"


class ShopSharerChangeEvent(PlatformEvent):
    """A sharer was bound to or unbound from the shop."""

    event: str = "channels_ec_sharer_change"
    openid: str = ""
    """Of the sharer."""
    sharer_type: Int = None
    bind_status: Int = None


class ShopServiceMessageEvent(PlatformEvent):
    """A buyer wrote to the shop's customer service.

    The content is in `model_extra` under the name `kind`: `text`, `image`, `video`, `file` ...
    """

    event: str = "commkf_send_msg_to_kf"
    msg_id: str = Field(default="", alias="msg_id")
    """Increases with each message."""
    kind: str = Field(default="", alias="msg_type")
    kind_event: str = Field(default="", alias="msg_event")
