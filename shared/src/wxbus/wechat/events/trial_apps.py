"""Conversion of trial Mini Programs by a third-party platform; sent to the message URL."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class TrialAuthorization(PlatformPart):
    """The decision of an administrator."""

    appid: str = ""
    """Of the Mini Program."""
    mp_appid: str = ""
    """Of the Official Account."""
    operation_time: str = ""
    """Text like `2021-12-30 22:31`, or seconds since the epoch."""
    status: Int = None
    """0: success."""
    msg: str = ""
    ticket: str = Field(default="", repr=False)


class TrialEvent(PlatformEvent):
    """A step of the conversion of a trial Mini Program."""

    info: Maybe[TrialAuthorization] = Field(default=None, alias="ApplyAuthorizationInfoNoitfy")  # WeChat's spelling


class TrialAuthorizationApplyEvent(TrialEvent):
    """An administrator was asked for an authorisation."""

    event: str = "betaapp_authorization_apply_event"


class TrialVerifyApplyEvent(TrialEvent):
    """An administrator approved or refused the reuse of an Official Account's qualification."""

    event: str = "betaapp_verify_apply_event"


class TrialVerifyEvent(TrialEvent):
    """The conversion finished or failed."""

    event: str = "betaapp_verify_event"


class TrialAdministratorEvent(PlatformEvent):
    """The Mini Program's administrator approved or refused the reuse of a merchant id."""

    event: str = "betaapp_reuse_merchant_ID_appid_administrator_authorization_apply_event"
    info: Maybe[TrialAuthorization] = Field(default=None, alias="ApplyPersonalAuthorizationInfoNotify")


class TrialMerchant(PlatformPart):
    """The decision of a merchant id's administrator."""

    appid: str = ""
    status: Int = None
    taskid: str = ""
    authorize_appid_administrator_url: str = ""
    """URL for the Mini Program's administrator."""
    authorize_merchant_administrator_status: Int = None
    operation_time: str = ""


class TrialMerchantEvent(PlatformEvent):
    """The administrator of a merchant id approved or refused its reuse."""

    event: str = "betaapp_reuse_merchant_ID_merchant_administrator_authorization_apply_event"
    info: Maybe[TrialMerchant] = Field(default=None, alias="ApplyMerchantAdminAuthorizationInfoNotify")
