"""Meetings, calendars, files, documents, mail and live streams in WeCom (WeCom reference 5.2)."""

from wxbus.wechat.events.wecom_application import WeComEvent
from wxbus.wechat.messages.base import Int, Many, Part


class LiveStreamEvent(WeComEvent):
    """A live stream starts, ends or is cancelled."""

    event: str = "living_status_change"
    living_id: str = ""
    status: Int = None
    """0 planned, 1 live, 2 ended, 4 cancelled."""


class MeetingUser(Part):
    """A participant of a meeting."""

    user_id: str = ""
    tmp_open_id: str = ""
    user_role: Int = None


class MeetingEvent(WeComEvent):
    """A meeting changed; `change_type` says how."""

    event: str = "meeting_change"
    other_names = ("meeting_statistics",)
    change_type: str = ""
    meeting_id: str = ""
    meeting_room_id: str = ""
    from_user_tmp_open_id: str = ""
    operated_user: Many[MeetingUser] = ()
    enroll_id: str = ""
    mra_address: str = ""
    room_response_status: Int = None
    status: Int = None


class MeetingRoomEvent(WeComEvent):
    """A room was booked, or its booking was cancelled."""

    event: str = "book_meeting_room"
    other_names = ("cancel_meeting_room",)
    meeting_room_id: str = ""
    meeting_id: str = ""
    booking_id: str = ""


class CalendarEvent(WeComEvent):
    """A calendar was made, changed or removed."""

    event: str = "modify_calendar"
    other_names = ("add_calendar", "delete_calendar")
    cal_id: str = ""


class ScheduleEvent(WeComEvent):
    """An appointment was made, changed, removed or answered."""

    event: str = "modify_schedule"
    other_names = ("add_schedule", "delete_schedule", "respond_schedule")
    cal_id: str = ""
    schedule_id: str = ""


class DriveSpaceEvent(WeComEvent):
    """A space of files changed."""

    event: str = "wedrive_space_change"
    change_type: str = ""
    space_id: Many[str] = ()


class DriveFileEvent(WeComEvent):
    """Files changed."""

    event: str = "wedrive_file_change"
    change_type: str = ""
    file_id: Many[str] = ()


class DriveFullEvent(WeComEvent):
    """The corp has little space for files left."""

    event: str = "wedrive_insufficient_capacity"


class DocumentEvent(WeComEvent):
    """Documents, forms or smart tables changed."""

    event: str = "doc_change"
    other_names = ("smart_sheet_change",)
    change_type: str = ""
    doc_id: Many[str] = ()
    form_id: str = ""
    sheet_id: str = ""
    field_id: Many[str] = ()
    record_id: Many[str] = ()


class MailEvent(WeComEvent):
    """The mailbox of the application, or a public one, has new mail."""

    event: str = "app_email_change"
    other_names = ("public_email_change",)
    change_type: str = ""
    id: str = ""
    amount: Int = None


class VipApprovalEvent(WeComEvent):
    """A member applied for a paid account, or the application is decided."""

    event: str = "submit_vip_account_approval"
    other_names = ("finish_vip_account_approval",)
    apply_reason: str = ""
    business_type: str = ""
    apply_id: str = ""
    finish_type: Int = None


class SchoolContactEvent(WeComEvent):
    """Students, parents or classes of a school changed."""

    event: str = "change_school_contact"
    change_type: str = ""
    id: str = ""
