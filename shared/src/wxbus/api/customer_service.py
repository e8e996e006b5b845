"""Messages to users outside of an answer (protocol reference 9.1)."""

from typing import Final

from wxbus.api.calls import READ, SEND, Backoff, Calls
from wxbus.api.http import JsonObject, WeChatHttp
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError
from wxbus.wechat.replies.customer_service import customer_service_message
from wxbus.wechat.replies.reply import AnyReply

SEND_PATH: Final = "/cgi-bin/message/custom/send"
TYPING_PATH: Final = "/cgi-bin/message/custom/typing"
HARMLESS: Final = frozenset({Policy.OK, Policy.IGNORE})


async def send(http: WeChatHttp, calls: Calls, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:
    """Send one message; see `WeChatClient.send`."""
    await _post(http, calls, SEND_PATH, customer_service_message(reply, openid, kf_account=kf_account), SEND)


async def typing(http: WeChatHttp, calls: Calls, openid: str, *, on: bool) -> None:
    """Show or hide the sign that somebody is typing; that it is shown already is no error (45081)."""
    await _post(http, calls, TYPING_PATH, {"touser": openid, "command": "Typing" if on else "CancelTyping"}, READ)


async def _post(http: WeChatHttp, calls: Calls, path: str, payload: JsonObject, repeats: Backoff) -> None:
    try:
        await calls.with_token(lambda token: http.post(path, payload, {"access_token": token}), repeats)
    except WeChatError as error:
        if error.policy not in HARMLESS:
            raise
