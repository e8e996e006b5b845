"""Events of WeChat Customer Service, which the worker pulls (WeCom reference 7.2)."""

from typing import ClassVar

from pydantic import Field

from wxbus.wechat.messages.base import WECOM_NAMES, Event, Int, Maybe
from wxbus.wechat.messages.kf import KfHeader, KfPart


class KfEvent(KfHeader, Event):
    """An event of customer service."""

    model_config = WECOM_NAMES
    family: ClassVar[str] = "kf:event:"

    msg_type: str = Field(default="event", alias="msgtype")
    event: str = Field(alias="event_type")


class KfChannels(KfPart):
    """The video account from which a customer came."""

    nickname: str = ""
    shop_nickname: str = ""
    scene: Int = None


class KfEnterSessionEvent(KfEvent):
    """A customer opened the conversation."""

    event: str = Field(default="enter_session", alias="event_type")
    scene: str = ""
    """Of the link."""
    scene_param: str = ""
    welcome_code: str = ""
    """To send one welcome message within 20 seconds, with `WeComClient.kf.send_on_event`; "" if none is possible."""
    wechat_channels: Maybe[KfChannels] = None


class KfSendFailedEvent(KfEvent):
    """A message did not reach the customer."""

    event: str = Field(default="msg_send_fail", alias="event_type")
    fail_msgid: str = ""
    fail_type: Int = None
    """1 account removed, 2 application closed, 4 older than 48 hours, 5 session closed, 6 more than five messages,
    10 refused by the customer; 7 to 9 the account is not verified; 0 unknown."""


class KfServicerStatusEvent(KfEvent):
    """A servicer began or stopped to receive customers."""

    event: str = Field(default="servicer_status_change", alias="event_type")
    status: Int = None
    """1 receiving, 2 stopped."""


class KfSessionStatusEvent(KfEvent):
    """A servicer took, handed over, ended or reopened a conversation in WeCom."""

    event: str = Field(default="session_status_change", alias="event_type")
    change_type: Int = None
    """1 taken from the waiting pool, 2 handed over, 3 ended, 4 reopened."""
    old_servicer_userid: str = ""
    new_servicer_userid: str = ""
    msg_code: str = ""
    """To send one message with `WeComClient.kf.send_on_event`."""


class KfMessageRecalledEvent(KfEvent):
    """The customer recalled a message."""

    event: str = Field(default="user_recall_msg", alias="event_type")
    recall_msgid: str = ""


class KfServicerRecalledEvent(KfEvent):
    """A servicer recalled a message."""

    event: str = Field(default="servicer_recall_msg", alias="event_type")
    recall_msgid: str = ""


class KfRejectSwitchEvent(KfEvent):
    """A servicer began or stopped to refuse the messages of a customer."""

    event: str = Field(default="reject_customer_msg_switch_change", alias="event_type")
    reject_switch: Int = None
    """1 on, 0 off."""
