"""Approvals in WeCom changed their state (WeCom reference 5.2).

`from_user` is `sys`; times are seconds since the epoch.
"""

from pydantic import Field

from wxbus.wechat.events.wecom_application import WeComEvent
from wxbus.wechat.messages.base import Int, Many, Maybe, Part


class ApprovalItem(Part):
    """The decision of one person."""

    item_name: str = ""
    item_user_id: str = ""
    item_party: str = ""
    item_image: str = ""
    item_status: Int = None
    """1 open, 2 passed, 3 refused, 4 handed over."""
    item_speech: str = ""
    item_op_time: Int = None


class ApprovalItems(Part):
    """The decisions of a step."""

    item: Many[ApprovalItem] = ()


class ApprovalNode(Part):
    """A step of an approval."""

    node_status: Int = None
    node_attr: Int = None
    """1 one must agree, 2 all must agree."""
    node_type: Int = None
    items: Maybe[ApprovalItems] = None


class ApprovalNodes(Part):
    """The steps of an approval."""

    approval_node: Many[ApprovalNode] = ()


class NotifyNode(Part):
    """A person who is notified."""

    item_name: str = ""
    item_user_id: str = ""
    item_party: str = ""
    item_image: str = ""


class NotifyNodes(Part):
    """The people who are notified."""

    notify_node: Many[NotifyNode] = ()


class ApprovalInfo(Part):
    """An approval that the application started."""

    third_no: str = ""
    """The application's own number."""
    open_sp_name: str = ""
    open_template_id: str = ""
    open_sp_status: Int = None
    """1 open, 2 passed, 3 refused, 4 withdrawn."""
    apply_time: Int = None
    apply_user_name: str = ""
    apply_user_id: str = ""
    apply_user_party: str = ""
    apply_user_image: str = ""
    approval_nodes: Maybe[ApprovalNodes] = None
    notify_nodes: Maybe[NotifyNodes] = None
    approver_step: Int = Field(default=None, alias="approverstep")


class ApprovalChangeEvent(WeComEvent):
    """The state of an approval of the application changed."""

    event: str = "open_approval_change"
    approval_info: Maybe[ApprovalInfo] = None


class ApprovalUser(Part):
    """A member in an approval."""

    user_id: str = ""
    party: str = ""


class ApprovalDetail(Part):
    """The decision of one member."""

    approver: Maybe[ApprovalUser] = None
    speech: str = ""
    sp_status: Int = None
    sp_time: Int = None
    attach: Many[str] = ()
    """Ids of media."""


class ApprovalRecord(Part):
    """A step of an approval in WeCom's own application."""

    sp_status: Int = None
    approver_attr: Int = None
    details: Many[ApprovalDetail] = ()


class ApprovalComment(Part):
    """A comment."""

    comment_user_info: Maybe[ApprovalUser] = None
    comment_time: Int = None
    comment_content: str = ""
    comment_id: str = ""
    attach: Many[str] = ()


class ApprovalSubNode(Part):
    """A member in a step."""

    user_info: Maybe[ApprovalUser] = None
    speech: str = ""
    sp_yj: Int = None
    sp_time: Int = Field(default=None, alias="Sptime")
    media_ids: Many[str] = ()


class ApprovalStep(Part):
    """A step."""

    node_type: Int = None
    sp_status: Int = None
    apv_rel: Int = None
    sub_node_list: Many[ApprovalSubNode] = ()


class ApprovalProcess(Part):
    """All steps."""

    node_list: Many[ApprovalStep] = ()


class SystemApprovalInfo(Part):
    """An approval in WeCom's own application."""

    sp_no: str = ""
    sp_no_str: str = ""
    sp_name: str = ""
    sp_status: Int = None
    """1 open, 2 passed, 3 refused, 4 withdrawn, 6 withdrawn after it passed, 7 deleted, 10 paid."""
    template_id: str = ""
    apply_time: Int = None
    applicant: Maybe[ApprovalUser] = Field(default=None, alias="Applyer")
    sp_record: Many[ApprovalRecord] = ()
    notified: Many[ApprovalUser] = Field(default=(), alias="Notifyer")
    comments: Many[ApprovalComment] = ()
    process_list: Maybe[ApprovalProcess] = None
    change: Int = Field(default=None, alias="StatuChangeEvent")
    """What changed: 1 submitted, 2 passed, 3 refused, 4 handed over, 5 reminded, 6 withdrawn, 8 withdrawn after it
    passed, 10 commented."""


class SystemApprovalChangeEvent(WeComEvent):
    """The state of an approval in WeCom's own application changed."""

    event: str = "sys_approval_change"
    approval_info: Maybe[SystemApprovalInfo] = None
