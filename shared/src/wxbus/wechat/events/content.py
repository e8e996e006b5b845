"""What became of content that WeChat checks (protocol reference 6.2)."""

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart


class CheckResult(PlatformPart):
    """What the check says as a whole."""

    suggest: str = ""
    """`risky`, `pass` or `review`."""
    label: Int = None


class CheckDetail(PlatformPart):
    """What one method of checking says."""

    strategy: str = ""
    errcode: Int = None
    suggest: str = ""
    label: Int = None
    prob: Int = None
    """Per cent."""


class MediaCheckEvent(PlatformEvent):
    """A picture or recording was checked, within 30 minutes of the call, in either version of the answer."""

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
    """An uploaded film is ready; its fields are in `model_extra`."""

    event: str = "secvod_upload_event"


class VideoAuditEvent(PlatformEvent):
    """A film was reviewed; its fields are in `model_extra`."""

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
    """What became of a message about a live room; its fields are in `model_extra`."""

    event: str = "wxalive_push_message_notify"


class IotVoipEvent(PlatformEvent):
    """A device is called or calls; its fields are in `model_extra`."""

    event: str = "iot_voip_notify"
