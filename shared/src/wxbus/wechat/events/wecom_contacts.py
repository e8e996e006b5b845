"""Changes of a corp's members, departments and tags in WeCom (WeCom reference 5.3). `from_user` is `sys`.

`change_type` selects the class. Third-party applications get ids only; in an update only what changed is present.
"""

from pydantic import Field

from wxbus.wechat.events.wecom_application import WeComEvent
from wxbus.wechat.messages.base import Int, Many, Maybe, Part


class ContactChangeEvent(WeComEvent):
    """Members, departments or tags changed; without a class of its own, the fields are in `model_extra`."""

    event: str = "change_contact"
    change_type: str = ""


class ExtraText(Part):
    """The value of an extra attribute."""

    value: str = ""


class ExtraWeb(Part):
    """A link in an extra attribute."""

    title: str = ""
    url: str = ""


class ExtraAttribute(Part):
    """An attribute that the corp defined."""

    name: str = ""
    type: Int = None
    """0 text, 1 link."""
    text: Maybe[ExtraText] = None
    web: Maybe[ExtraWeb] = None


class ExtraAttributes(Part):
    """The attributes that the corp defined."""

    item: Many[ExtraAttribute] = ()


class MemberCreatedEvent(ContactChangeEvent):
    """A member was added."""

    change_type: str = "create_user"
    user_id: str = Field(default="", alias="UserID")
    name: str = ""
    department: str = ""
    """Ids joined by commas, as in `is_leader_in_dept`."""
    main_department: str = ""
    is_leader_in_dept: str = ""
    """0 or 1 for each department."""
    direct_leader: str = ""
    """Userids."""
    position: str = ""
    mobile: str = ""
    gender: Int = None
    """1 male, 2 female."""
    email: str = ""
    biz_mail: str = ""
    status: Int = None
    """1 active, 2 disabled, 4 not activated, 5 left."""
    avatar: str = ""
    alias: str = ""
    telephone: str = ""
    address: str = ""
    ext_attr: Maybe[ExtraAttributes] = None


class MemberUpdatedEvent(MemberCreatedEvent):
    """A member changed."""

    change_type: str = "update_user"
    new_user_id: str = Field(default="", alias="NewUserID")
    """The new userid, if it changed."""


class MemberDeletedEvent(ContactChangeEvent):
    """A member was removed."""

    change_type: str = "delete_user"
    user_id: str = Field(default="", alias="UserID")


class DepartmentCreatedEvent(ContactChangeEvent):
    """A department was added."""

    change_type: str = "create_party"
    id: str = ""
    name: str = ""
    parent_id: str = ""
    order: Int = None


class DepartmentUpdatedEvent(DepartmentCreatedEvent):
    """A department changed."""

    change_type: str = "update_party"


class DepartmentDeletedEvent(ContactChangeEvent):
    """A department was removed."""

    change_type: str = "delete_party"
    id: str = ""


class MemberTagUpdatedEvent(ContactChangeEvent):
    """Members or departments got or lost a tag; all ids are joined by commas."""

    change_type: str = "update_tag"
    tag_id: str = ""
    add_user_items: str = ""
    del_user_items: str = ""
    add_party_items: str = ""
    del_party_items: str = ""
