"""Pushes of WeChat Customer Service to its application (WeCom reference 7.1). The messages themselves are pulled."""

from wxbus.wechat.events.wecom_application import WeComEvent
from wxbus.wechat.messages.base import Many


class KfPushEvent(WeComEvent):
    """A customer-service account has new messages or events; the worker pulls them.

    Handlers get the messages, and this event afterwards.
    """

    event: str = "kf_msg_or_event"
    token: str = ""
    """Valid for ten minutes."""
    open_kf_id: str = ""
    """The customer-service account."""


class KfAccountsChangedEvent(WeComEvent):
    """The application may manage other customer-service accounts than before."""

    event: str = "kf_account_auth_change"
    auth_add_open_kf_id: Many[str] = ()
    auth_del_open_kf_id: Many[str] = ()
