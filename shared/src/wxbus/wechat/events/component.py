"""Events of a third-party platform (protocol reference 6.3)."""

from pydantic import Field

from wxbus.wechat.events.account import NicknameAuditEvent
from wxbus.wechat.messages.base import ComponentEvent, Int, Many, Maybe, PlatformComponentEvent, PlatformPart


class ComponentVerifyTicketEvent(ComponentEvent):
    """The ticket for the platform's token, sent every ten minutes and valid for twelve hours."""

    event: str = "component_verify_ticket"
    component_verify_ticket: str = Field(repr=False)


class AuthorizationEvent(ComponentEvent):
    """An account authorised the platform, or changed its permissions."""

    authorizer_appid: str = ""
    authorization_code: str = Field(default="", repr=False)
    authorization_code_expired_time: Int = None
    pre_auth_code: str = Field(default="", repr=False)


class AuthorizedEvent(AuthorizationEvent):
    """An account authorised the platform."""

    event: str = "authorized"


class UpdateAuthorizedEvent(AuthorizationEvent):
    """An account changed the platform's permissions."""

    event: str = "updateauthorized"


class UnauthorizedEvent(ComponentEvent):
    """An account revoked its authorisation; its tokens are invalid."""

    event: str = "unauthorized"
    authorizer_appid: str = ""


class FastRegisterInfo(PlatformPart):
    """The registrant of a Mini Program."""

    name: str = ""
    code: str = ""
    code_type: Int = None
    legal_persona_wechat: str = ""
    legal_persona_name: str = ""
    component_phone: str = ""
    unique_id: str = ""


class FastRegisterEvent(PlatformComponentEvent):
    """Result of a Mini Program's registration."""

    appid: str = ""
    status: Int = None
    msg: str = ""
    info: Maybe[FastRegisterInfo] = None


class FastRegisterEnterpriseEvent(FastRegisterEvent):
    """The registration of a company's Mini Program finished or failed."""

    event: str = "notify_third_fasteregister"
    auth_code: str = Field(default="", repr=False)


class FastRegisterBetaEvent(FastRegisterEvent):
    """The registration of a trial Mini Program finished or failed."""

    event: str = "notify_third_fastregisterbetaapp"


class FastVerifyBetaEvent(FastRegisterEvent):
    """The conversion of a trial Mini Program finished or failed."""

    event: str = "notify_third_fastverifybetaapp"


class DispatchInfo(PlatformPart):
    """The verification company."""

    provider: str = ""
    contact: str = ""
    dispatch_time: Int = None


class WxaAuthEvent(PlatformComponentEvent):
    """The state of a Mini Program's verification changed."""

    event: str = "notify_3rd_wxa_auth"
    appid: str = ""
    task_status: Int = None
    taskid: str = ""
    apply_status: Int = None
    message: str = ""
    dispatch_info: Maybe[DispatchInfo] = None


class WxaWxVerifyEvent(PlatformComponentEvent):
    """The verification of a Mini Program expires."""

    event: str = "notify_3rd_wxa_wxverify"
    appid: str = ""
    expired: Int = None
    message: str = ""


class IcpFilingVerifyEvent(PlatformComponentEvent):
    """The person of an ICP filing was verified, or failed verification."""

    event: str = "notify_icpfiling_verify_result"
    task_id: str = ""
    verify_appid: str = ""
    result: Int = None


class IcpFilingApplyEvent(PlatformComponentEvent):
    """The state of an ICP filing changed."""

    event: str = "notify_apply_icpfiling_result"
    authorizer_appid: str = ""
    beian_status: Int = None


class OrderPathApplied(PlatformPart):
    """Result of the request for one account."""

    appid: str = ""
    ret_code: Int = None


class OrderPathApplyEvent(ComponentEvent):
    """The request for the accounts' order pages was processed."""

    event: str = "order_path_apply_result_notify"
    items: Many[OrderPathApplied] = Field(default=(), alias="list")


class OrderPathAudited(PlatformPart):
    """Result of the review of one account's order page."""

    appid: str = ""
    audit_id: str = ""
    status: Int = None
    apply_time: Int = None
    audit_time: Int = None
    reason: str = ""


class OrderPathAuditEvent(ComponentEvent):
    """The accounts' order pages were reviewed."""

    event: str = "order_path_audit_result_notify"
    items: Many[OrderPathAudited] = Field(default=(), alias="list")


class ComponentNicknameAuditEvent(NicknameAuditEvent, PlatformComponentEvent):
    """The name of a Mini Program was reviewed; sent to the authorisation URL.

    A handler of `NicknameAuditEvent`, which WeChat sends to the message URL, also gets this event.
    """

    event: str = "wxa_nickname_audit"
    msg_type: str = ""
