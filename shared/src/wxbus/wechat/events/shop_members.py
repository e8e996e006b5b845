"""Members, sharers and the human customer service of a WeChat Shop; times are seconds since the epoch."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class ShopMember(PlatformPart):
    """A member of the shop; what an event does not say is "" or None."""

    join_time: Int = None
    close_time: Int = None
    phone_number: str = Field(default="", repr=False)
    grade: Int = None
    experience_value: Int = None
    score: Int = None
    """Points after the change."""
    delta_score: Int = None
    """Points by which the score changed."""
    flow_type: Int = None
    """Why the score changed."""


class ShopMemberEvent(PlatformEvent):
    """Something about a member of the shop."""

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
    """The coupon that a member got for points."""

    related_coupon_id: str = ""


class ExchangedProduct(PlatformPart):
    """The product that a member got for points."""

    related_product_id: str = ""


class ShopScoreExchange(PlatformPart):
    """What a member got for points."""

    pay_score: Int = None
    score_item_type: Int = None
    coupon_info: Maybe[ExchangedCoupon] = None
    product_info: Maybe[ExchangedProduct] = None


class ShopMemberScoreExchangeEvent(PlatformEvent):
    """A member exchanged points."""

    event: str = "channels_ec_vip_score_exchange"
    exchange_info: Maybe[ShopScoreExchange] = None


class ShopAward(PlatformPart):
    """What a member got for a task."""

    award_type: Int = None
    coupon_id: str = ""
    gain_score: Int = None


class ShopTask(PlatformPart):
    """A task that a member finished."""

    task_id: str = ""
    task_name: str = ""
    award_info: Maybe[ShopAward] = None


class ShopMemberTaskAwardEvent(PlatformEvent):
    """A member got an award for a task."""

    event: str = "channels_ec_vip_task_award"
    task_info: Maybe[ShopTask] = None


class LinkedMember(PlatformPart):
    """A member of the Mini Program's own programme."""

    shop_appid: str = ""
    outer_userid: str = ""
    identity: str = ""
    add_time: Int = None


class LinkedMemberEvent(PlatformEvent):
    """Something about a member whose programme is the Mini Program's own."""

    info: Maybe[LinkedMember] = None


class LinkedMemberAddEvent(LinkedMemberEvent):
    """A user became a member automatically."""

    event: str = "channels_ec_vip_user_auto_add"


class LinkedMemberInfoGetEvent(LinkedMemberEvent):
    """A shop asks for a member's data."""

    event: str = "channels_ec_vip_user_info_get"


class ShopSharerChangeEvent(PlatformEvent):
    """A sharer was bound to the shop or released."""

    event: str = "channels_ec_sharer_change"
    openid: str = ""
    """Of the sharer."""
    sharer_type: Int = None
    bind_status: Int = None


class ShopServiceMessageEvent(PlatformEvent):
    """A buyer wrote to the shop's human customer service.

    What they wrote is in `model_extra`, under the name that `kind` says: `text`, `image`, `video`, `file` ...
    """

    event: str = "commkf_send_msg_to_kf"
    msg_id: str = Field(default="", alias="msg_id")
    """Increases with each message."""
    kind: str = Field(default="", alias="msg_type")
    kind_event: str = Field(default="", alias="msg_event")
