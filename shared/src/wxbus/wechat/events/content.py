"""Results of WeChat's content checks (protocol reference 6.2)."""

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart


class CheckResult(PlatformPart):
    """Overall result of the check."""

    suggest: str = ""
    """`risky`, `pass` or `review`."""
    label: Int = None


class CheckDetail(PlatformPart):
    """Result of one check strategy."""

    strategy: str = ""
    errcode: Int = None
    suggest: str = ""
    label: Int = None
    prob: Int = None
    """Percent."""


class MediaCheckEvent(PlatformEvent):
    """An image or recording was checked, within 30 minutes of the call; both API versions."""

    event: str = "wxa_media_check"
    appid: str = ""
    trace_id: str = ""
    version: Int = None
    errcode: Int = None
    """-1008: it could not be downloaded."""
    errmsg: str = ""
    result: Maybe[CheckResult] = None
    detail: Many[CheckDetail] = ()
    isrisky: Int = None
    """Version 1: 0 or 1."""
    extra_info_json: str = ""
    status_code: Int = None


class VideoUploadEvent(PlatformEvent):
    """An uploaded video is ready; its fields are in `model_extra`."""

    event: str = "secvod_upload_event"


class VideoAuditEvent(PlatformEvent):
    """A video was reviewed; its fields are in `model_extra`."""

    event: str = "secvod_audit_event"


class BookAuditEvent(PlatformEvent):
    """A book was reviewed; its fields are in `model_extra`."""

    event: str = "secbook_audit_event"


class NovelChapterPermissionEvent(PlatformEvent):
    """A chapter was opened or closed to a reader; its fields are in `model_extra`."""

    event: str = "wxa_novel_chapter_permission"


class LiveFollowEvent(PlatformEvent):
    """A user follows a live room; its fields are in `model_extra`."""

    event: str = "wxalive_follow_notify"


class LivePushMessageEvent(PlatformEvent):
    """Result of a message about a live room; its fields are in `model_extra`."""

    event: str = "wxalive_push_message_notify"


class IotVoipEvent(PlatformEvent):
    """A call from or to a device; its fields are in `model_extra`."""

    event: str = "iot_voip_notify"
