"""The account itself: its verification, reviews and penalties (protocol reference 6.1 and 6.2)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Int, Many, Maybe, PlatformEvent, PlatformPart


class VerificationEvent(Event):
    """A step of the account's verification."""

    expired_time: Int = None
    """Seconds since the epoch."""


class QualificationVerifySuccessEvent(VerificationEvent):
    """The account's qualification is verified."""

    event: str = "qualification_verify_success"


class NamingVerifySuccessEvent(VerificationEvent):
    """The account's name is verified."""

    event: str = "naming_verify_success"


class AnnualRenewEvent(VerificationEvent):
    """The account's verification must be renewed."""

    event: str = "annual_renew"


class VerifyExpiredEvent(VerificationEvent):
    """The account's verification expired."""

    event: str = "verify_expired"


class VerificationFailedEvent(Event):
    """A step of the account's verification failed."""

    fail_time: Int = None
    fail_reason: str = ""


class QualificationVerifyFailEvent(VerificationFailedEvent):
    """The verification of the account's qualification failed."""

    event: str = "qualification_verify_fail"


class NamingVerifyFailEvent(VerificationFailedEvent):
    """The verification of the account's name failed."""

    event: str = "naming_verify_fail"


class WxVerifyPaySuccessEvent(Event):
    """The fee for the verification is paid."""

    event: str = "wx_verify_pay_succ"
    order_id: str = ""


class WxVerifyDispatchEvent(Event):
    """A verification company was assigned."""

    event: str = "wx_verify_dispatch"
    provider: str = ""
    contact: str = ""
    dispatch_time: Int = None


class WeAppAuditSuccessEvent(Event):
    """A version of the Mini Program passed its review."""

    event: str = "weapp_audit_success"
    success_time: Int = Field(default=None, alias="SuccTime")


class WeAppAuditFailEvent(Event):
    """A version of the Mini Program failed its review."""

    event: str = "weapp_audit_fail"
    reason: str = ""
    fail_time: Int = None
    screenshot: str = Field(default="", alias="ScreenShot")


class WeAppAuditDelayEvent(Event):
    """The review of a version of the Mini Program takes longer."""

    event: str = "weapp_audit_delay"
    reason: str = ""
    delay_time: Int = None


class NicknameAuditEvent(PlatformEvent):
    """The Mini Program's name was reviewed."""

    event: str = "wxa_nickname_audit"
    ret: Int = None
    """2 rejected, 3 passed."""
    nickname: str = ""
    reason: str = ""


class CategoryAuditEvent(PlatformEvent):
    """A category of the Mini Program was reviewed."""

    event: str = "wxa_category_audit"
    first: str = ""
    second: str = ""
    ret: Int = None
    reason: str = ""


class PrivacyApplyResult(PlatformPart):
    """Result of a request for a privacy-related API."""

    api_name: str = ""
    apply_time: Int = None
    audit_id: str = ""
    audit_time: Int = None
    reason: str = ""
    status: Int = None


class PrivacyApplyEvent(PlatformEvent):
    """The request for a privacy-related API was reviewed."""

    event: str = "wxa_privacy_apply"
    result_info: Maybe[PrivacyApplyResult] = None


class IllegalRecordEvent(PlatformEvent):
    """The Mini Program broke a rule."""

    event: str = "wxa_illegal_record"
    illegal_record_id: str = ""
    appid: str = ""
    create_time: Int = None
    illegal_reason: str = ""
    illegal_content: str = ""
    rule_url: str = ""
    rule_name: str = ""


class AppealMaterial(PlatformPart):
    """Material of an appeal; its fields are in `model_extra`."""


class AppealRecordEvent(PlatformEvent):
    """The state of an appeal against a penalty changed."""

    event: str = "wxa_appeal_record"
    appeal_record_id: str = ""
    appid: str = ""
    appeal_time: Int = None
    appeal_count: Int = None
    appeal_from: Int = None
    appeal_status: Int = None
    audit_time: Int = None
    audit_reason: str = ""
    punish_description: str = ""
    material: Many[AppealMaterial] = ()


class PunishEvent(PlatformEvent):
    """The Mini Program got a warning or a penalty."""

    event: str = "wxa_punish_event"
    event_type: Int = None
    """1 warning, 2 functions banned, 3 removed, 4 account banned, 10 (or 5) page banned."""
    punish_id: str = ""
    appid: str = ""
    punish_time: Int = None
    illegal_reason: str = ""
    illegal_content: str = ""
    rule_name: str = ""
    rule_url: str = ""
    adjust_guide_url: str = ""
    detail: str = ""
    """JSON."""


class ServiceQuotaEvent(PlatformEvent):
    """The quota of a paid service is nearly used up."""

    event: str = "charge_service_quota_notify"
    event_type: Int = None
    spu_id: str = ""
    spu_name: str = ""
    total_quota: Int = None
    total_used_quota: Int = None


class CommentBadScoreEvent(PlatformEvent):
    """A user rated the Mini Program badly; its fields are in `model_extra`."""

    event: str = "wxa_comment_bad_score"
