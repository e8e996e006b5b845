"""Customers in WeChat that members of a corp have added, their groups and tags (WeCom reference 5.4).

`from_user` is `sys`; `change_type` selects the class.
"""

from pydantic import Field

from wxbus.wechat.events.wecom_application import WeComEvent
from wxbus.wechat.messages.base import Int, Many, Maybe, Part


class CustomerEvent(WeComEvent):
    """The relation of a member and a customer changed."""

    event: str = "change_external_contact"
    change_type: str = ""
    user_id: str = Field(default="", alias="UserID")
    """The member."""
    external_user_id: str = Field(default="", alias="ExternalUserID")
    """The customer."""
    state: str = ""
    """Of the QR code or link by which the customer came."""


class CustomerAddedEvent(CustomerEvent):
    """A customer was added."""

    change_type: str = "add_external_contact"
    welcome_code: str = ""
    """To send a welcome message within 20 seconds."""


class CustomerAddedMemberEvent(CustomerEvent):
    """A customer added a member, who has not added the customer yet."""

    change_type: str = "add_half_external_contact"
    welcome_code: str = ""


class CustomerEditedEvent(CustomerEvent):
    """A member changed the notes on a customer."""

    change_type: str = "edit_external_contact"


class CustomerRemovedEvent(CustomerEvent):
    """A member removed a customer."""

    change_type: str = "del_external_contact"
    source: str = ""
    """`DELETE_BY_TRANSFER`: the customer was handed over."""


class CustomerLeftEvent(CustomerEvent):
    """A customer removed a member."""

    change_type: str = "del_follow_user"


class CustomerTransferFailedEvent(CustomerEvent):
    """A customer could not be handed over to another member."""

    change_type: str = "transfer_fail"
    fail_reason: str = ""
    """`customer_refused` or `customer_limit_exceed`."""


class CustomerArchiveApprovedEvent(CustomerEvent):
    """A customer agreed to the archive of the conversation."""

    change_type: str = "msg_audit_approved"
    welcome_code: str = ""


class ChangedMembers(Part):
    """Members who joined or left a group of customers."""

    item: Many[str] = ()


class CustomerGroupEvent(WeComEvent):
    """A group of customers changed."""

    event: str = "change_external_chat"
    change_type: str = ""
    chat_id: str = ""


class CustomerGroupCreatedEvent(CustomerGroupEvent):
    """A group of customers was made."""

    change_type: str = "create"


class CustomerGroupUpdatedEvent(CustomerGroupEvent):
    """The members, the owner, the name or the notice of a group of customers changed."""

    change_type: str = "update"
    update_detail: str = ""
    """`add_member`, `del_member`, `change_owner`, `change_name` or `change_notice`."""
    join_scene: Int = None
    quit_scene: Int = None
    mem_change_cnt: Int = None
    mem_change_list: Maybe[ChangedMembers] = None
    last_mem_ver: str = ""
    cur_mem_ver: str = ""


class CustomerGroupDismissedEvent(CustomerGroupEvent):
    """A group of customers was dismissed."""

    change_type: str = "dismiss"


class CustomerTagEvent(WeComEvent):
    """A tag for customers, or a group of tags, was made, changed, removed or sorted."""

    event: str = "change_external_tag"
    change_type: str = ""
    """`create`, `update`, `delete` or `shuffle`."""
    id: str = ""
    tag_type: str = ""
    """`tag` or `tag_group`."""
    strategy_id: str = ""


class CustomerAcquisitionEvent(WeComEvent):
    """A link that brings customers was used, or has an end."""

    event: str = "customer_acquisition"
    change_type: str = ""
    """`balance_low`, `balance_exhausted`, `link_unavailable`, `delete_link`, `customer_start_chat` ..."""
    link_id: str = ""
    state: str = ""
    user_id: str = Field(default="", alias="UserID")
    external_user_id: str = Field(default="", alias="ExternalUserID")
    expire_time: Int = None
    expire_quota_num: Int = None
    chat_seq: str = ""
    chat_key: str = ""
