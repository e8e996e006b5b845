"""The API call that sends a reply (protocol reference 9.1 and 9.3)."""

from collections.abc import Mapping
from typing import Any, Final

from wxbus.wechat.replies.customer_service import customer_service_message
from wxbus.wechat.replies.fields import without_empty
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.templates import SubscribeMessage, SubscribeNotice, TemplateMessage

CUSTOMER_SERVICE: Final = "/cgi-bin/message/custom/send"
TEMPLATE: Final = "/cgi-bin/message/template/send"
SUBSCRIBE: Final = "/cgi-bin/message/subscribe/send"
SUBSCRIBE_NOTICE: Final = "/cgi-bin/message/subscribe/bizsend"


def api_message(reply: AnyReply, openid: str, *, kf_account: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the path and the JSON payload of the call that sends `reply` to a user.

    `kf_account` sends a customer-service message in the name of this account.

    Raises:
        ValueError: No call can send the reply.
    """
    match reply:
        case TemplateMessage():
            return TEMPLATE, _template_message(reply, openid, url=reply.url, **_mini_program(reply))
        case SubscribeMessage():
            options = {"page": reply.page, "miniprogram_state": reply.state, "lang": reply.lang}
            return SUBSCRIBE, _template_message(reply, openid, **options)
        case SubscribeNotice():
            return SUBSCRIBE_NOTICE, _template_message(reply, openid, page=reply.page, **_mini_program(reply))
    return CUSTOMER_SERVICE, customer_service_message(reply, openid, kf_account=kf_account)


def _template_message(
    reply: TemplateMessage | SubscribeMessage | SubscribeNotice, openid: str, **options: Any
) -> dict[str, Any]:
    return {
        "touser": openid,
        "template_id": reply.template_id,
        **without_empty(**options),
        "data": {name: {"value": text} for name, text in reply.data.items()},
    }


def _mini_program(reply: TemplateMessage | SubscribeNotice) -> Mapping[str, Any]:
    if not reply.page_path:
        return {}
    return {"miniprogram": without_empty(appid=reply.mini_program, pagepath=reply.page_path)}
