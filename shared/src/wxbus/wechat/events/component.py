"""What a third-party platform is told (protocol reference 6.3)."""

from pydantic import Field

from wxbus.wechat.events.account import NicknameAuditEvent
from wxbus.wechat.messages.base import ComponentEvent, Int, Many, Maybe, PlatformComponentEvent, PlatformPart


class ComponentVerifyTicketEvent(ComponentEvent):
    """The ticket that the platform's token is fetched with: every ten minutes, valid for twelve hours."""

    event: str = "component_verify_ticket"
    component_verify_ticket: str = Field(repr=False)


class AuthorizationEvent(ComponentEvent):
    """An account authorised the platform, or changed what it may do."""

    authorizer_appid: str = ""
    authorization_code: str = Field(default="", repr=False)
    authorization_code_expired_time: Int = None
    pre_auth_code: str = Field(default="", repr=False)


class AuthorizedEvent(AuthorizationEvent):
    """An account authorised the platform."""

    event: str = "authorized"


class UpdateAuthorizedEvent(AuthorizationEvent):
    """An account changed what the platform may do."""

    event: str = "updateauthorized"


class UnauthorizedEvent(ComponentEvent):
    """An account took its authorisation back: drop its tokens."""

    event: str = "unauthorized"
    authorizer_appid: str = ""


class FastRegisterInfo(PlatformPart):
    """Who registers a Mini Program."""

    name: str = ""
    code: str = ""
    code_type: Int = None
    legal_persona_wechat: str = ""
    legal_persona_name: str = ""
    component_phone: str = ""
    unique_id: str = ""


class FastRegisterEvent(PlatformComponentEvent):
    """What became of a Mini Program's registration."""

    appid: str = ""
    status: Int = None
    msg: str = ""
    info: Maybe[FastRegisterInfo] = None


class FastRegisterEnterpriseEvent(FastRegisterEvent):
    """A company's Mini Program was registered, or was not."""

    event: str = "notify_third_fasteregister"
    auth_code: str = Field(default="", repr=False)


class FastRegisterBetaEvent(FastRegisterEvent):
    """A trial Mini Program was registered, or was not."""

    event: str = "notify_third_fastregisterbetaapp"


class FastVerifyBetaEvent(FastRegisterEvent):
    """A trial Mini Program became a proper one, or did not."""

    event: str = "notify_third_fastverifybetaapp"


class DispatchInfo(PlatformPart):
    """Who does the verification."""

    provider: str = ""
    contact: str = ""
    dispatch_time: Int = None


class WxaAuthEvent(PlatformComponentEvent):
    """The verification of an account's Mini Program goes on."""

    event: str = "notify_3rd_wxa_auth"
    appid: str = ""
    task_status: Int = None
    taskid: str = ""
    apply_status: Int = None
    message: str = ""
    dispatch_info: Maybe[DispatchInfo] = None


class WxaWxVerifyEvent(PlatformComponentEvent):
    """The verification of an account's Mini Program ends."""

    event: str = "notify_3rd_wxa_wxverify"
    appid: str = ""
    expired: Int = None
    message: str = ""


class IcpFilingVerifyEvent(PlatformComponentEvent):
    """The person behind a filing was verified, or was not."""

    event: str = "notify_icpfiling_verify_result"
    task_id: str = ""
    verify_appid: str = ""
    result: Int = None


class IcpFilingApplyEvent(PlatformComponentEvent):
    """A filing goes on."""

    event: str = "notify_apply_icpfiling_result"
    authorizer_appid: str = ""
    beian_status: Int = None


class OrderPathApplied(PlatformPart):
    """Whether the request for one account was taken."""

    appid: str = ""
    ret_code: Int = None


class OrderPathApplyEvent(ComponentEvent):
    """The request for the accounts' order pages was taken."""

    event: str = "order_path_apply_result_notify"
    items: Many[OrderPathApplied] = Field(default=(), alias="list")


class OrderPathAudited(PlatformPart):
    """What the review says of one account's order page."""

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
    """The name of an account's Mini Program was reviewed, sent to the authorisation URL.

    A handler for `NicknameAuditEvent`, which WeChat sends to the message URL, gets this one, too.
    """

    event: str = "wxa_nickname_audit"
    msg_type: str = ""
