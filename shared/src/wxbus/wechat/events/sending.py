"""Results of sent messages, and users' choices of messages (protocol reference 6.1)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Int, Many, Maybe, Part, PlatformPart


class TemplateSendJobFinishEvent(Event):
    """Result of a template message. It may arrive before the response to the API call."""

    event: str = "TEMPLATESENDJOBFINISH"
    msg_id: str = Field(default="", alias="MsgID")
    status: str = ""
    """`success`, `failed:user block`, `failed: system failed`, `failed:freq limit`."""


class CopyrightCheckItem(Part):
    """Result of the copyright check of one article."""

    article_idx: Int = None
    user_declare_state: Int = None
    audit_state: Int = None
    original_article_url: str = ""
    original_article_type: Int = None
    can_reprint: Int = None
    need_replace_content: Int = None
    need_show_reprint_source: Int = None


class CopyrightCheckResult(Part):
    """Result of the copyright check."""

    count: Int = None
    result_list: Many[CopyrightCheckItem] = ()
    check_state: Int = None


class ArticleUrlItem(Part):
    """The URL of one article."""

    article_idx: Int = None
    article_url: str = ""


class ArticleUrlResult(Part):
    """The URLs of the articles."""

    count: Int = None
    result_list: Many[ArticleUrlItem] = ()


class MassSendJobFinishEvent(Event):
    """A message to all or many followers was sent."""

    event: str = "MASSSENDJOBFINISH"
    msg_id: str = Field(default="", alias="MsgID")
    status: str = ""
    """`send success`, `send fail`, `err(10001)` ..."""
    total_count: Int = None
    filter_count: Int = None
    sent_count: Int = None
    error_count: Int = None
    copyright_check_result: Maybe[CopyrightCheckResult] = None
    article_url_result: Maybe[ArticleUrlResult] = None


class PublishedArticle(PlatformPart):
    """One article of a publication."""

    idx: Int = None
    article_url: str = ""


class ArticleDetail(PlatformPart):
    """The articles of a publication."""

    count: Int = None
    item: Many[PublishedArticle] = ()


class PublishEventInfo(PlatformPart):
    """The result of a publication."""

    publish_id: str = ""
    publish_status: Int = None
    article_id: str = ""
    article_detail: Maybe[ArticleDetail] = None
    fail_idx: Many[str] = ()


class PublishJobFinishEvent(Event):
    """A publication succeeded or failed."""

    event: str = "PUBLISHJOBFINISH"
    publish_event_info: Maybe[PublishEventInfo] = None


class SubscribeMessageChoice(Part):
    """A user's choice for one template."""

    template_id: str = ""
    subscribe_status_string: str = ""
    """`accept` or `reject`."""
    popup_scene: str = ""


class SubscribeMessagePopupEvent(Event):
    """A user chose subscription messages in a popup."""

    event: str = "subscribe_msg_popup_event"
    items: Many[SubscribeMessageChoice] = Field(default=(), alias="List")


class SubscribeMessageChangeEvent(Event):
    """A user changed the choices of subscription messages in the settings."""

    event: str = "subscribe_msg_change_event"
    items: Many[SubscribeMessageChoice] = Field(default=(), alias="List")


class SubscribeMessageResult(Part):
    """The result of one subscription message."""

    template_id: str = ""
    msg_id: str = Field(default="", alias="MsgID")
    error_code: Int = None
    error_status: str = ""


class SubscribeMessageSentEvent(Event):
    """Results of subscription messages."""

    event: str = "subscribe_msg_sent_event"
    items: Many[SubscribeMessageResult] = Field(default=(), alias="List")


class ServiceMessageSentEvent(Event):
    """The result of a service message; its fields are in `model_extra`."""

    event: str = "notify_service_msg_send_result"
