"""Trial Mini Programs that a third-party platform turns into proper ones; sent to the message URL."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class TrialAuthorization(PlatformPart):
    """What an administrator decided."""

    appid: str = ""
    """Of the Mini Program."""
    mp_appid: str = ""
    """Of the Official Account."""
    operation_time: str = ""
    """Text like `2021-12-30 22:31`, or seconds since the epoch."""
    status: Int = None
    """0: all is well."""
    msg: str = ""
    ticket: str = Field(default="", repr=False)


class TrialEvent(PlatformEvent):
    """A step from a trial Mini Program to a proper one."""

    info: Maybe[TrialAuthorization] = Field(default=None, alias="ApplyAuthorizationInfoNoitfy")  # WeChat's spelling


class TrialAuthorizationApplyEvent(TrialEvent):
    """An administrator was asked for an authorisation."""

    event: str = "betaapp_authorization_apply_event"


class TrialVerifyApplyEvent(TrialEvent):
    """An administrator agreed to reuse an Official Account's qualification, or did not."""

    event: str = "betaapp_verify_apply_event"


class TrialVerifyEvent(TrialEvent):
    """The Mini Program is a proper one, or could not become one."""

    event: str = "betaapp_verify_event"


class TrialAdministratorEvent(PlatformEvent):
    """The Mini Program's administrator agreed to reuse a merchant id, or did not."""

    event: str = "betaapp_reuse_merchant_ID_appid_administrator_authorization_apply_event"
    info: Maybe[TrialAuthorization] = Field(default=None, alias="ApplyPersonalAuthorizationInfoNotify")


class TrialMerchant(PlatformPart):
    """What the administrator of a merchant id decided."""

    appid: str = ""
    status: Int = None
    taskid: str = ""
    authorize_appid_administrator_url: str = ""
    """For the Mini Program's administrator to visit."""
    authorize_merchant_administrator_status: Int = None
    operation_time: str = ""


class TrialMerchantEvent(PlatformEvent):
    """The administrator of a merchant id agreed to its reuse, or did not."""

    event: str = "betaapp_reuse_merchant_ID_merchant_administrator_authorization_apply_event"
    info: Maybe[TrialMerchant] = Field(default=None, alias="ApplyMerchantAdminAuthorizationInfoNotify")
