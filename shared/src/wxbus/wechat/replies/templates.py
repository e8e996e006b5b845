"""Replies that fill in a template of the account, and do not depend on WeChat's window (protocol reference 9.3)."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.wechat.replies.fields import Required, reply_class

TemplateData = Annotated[Mapping[str, str], Field(min_length=1)]


@reply_class
class TemplateMessage:
    """A template message of an Official Account; it needs no message of the user (protocol reference 9.3)."""

    template_id: Required
    data: TemplateData
    """Text by the name of the template's field: `{"thing1": "Coffee"}`."""
    url: str = ""
    """Opened by a tap, unless there is a `page_path`."""
    mini_program: str = ""
    """Appid of the Mini Program whose page a tap opens."""
    page_path: str = ""
    kind: Literal["template"] = Field(default="template", kw_only=True)


@reply_class
class SubscribeMessage:
    """A subscription message of a Mini Program, which uses up one consent of the user."""

    template_id: Required
    data: TemplateData
    page: str = ""
    state: Literal["formal", "trial", "developer"] = "formal"
    """Which release of the Mini Program a tap opens."""
    lang: Literal["zh_CN", "en_US", "zh_HK", "zh_TW"] = "zh_CN"
    kind: Literal["subscribe"] = Field(default="subscribe", kw_only=True)


@reply_class
class SubscribeNotice:
    """A subscription notice of an Official Account, which uses up one consent of the user."""

    template_id: Required
    data: TemplateData
    page: str = ""
    """Opened by a tap, unless there is a `page_path`."""
    mini_program: str = ""
    """Appid of the Mini Program whose page a tap opens."""
    page_path: str = ""
    kind: Literal["subscribe_notice"] = Field(default="subscribe_notice", kw_only=True)


TemplateReply: TypeAlias = TemplateMessage | SubscribeMessage | SubscribeNotice
"""Replies of this module."""
Fallback: TypeAlias = Annotated[TemplateReply, Field(discriminator="kind")]


@reply_class
class WithFallback:
    """Base of replies that WeChat accepts only within its window (protocol reference 9.1)."""

    fallback: Fallback | None = Field(default=None, kw_only=True, repr=False)
    """Sent instead if WeChat does not accept the reply."""
