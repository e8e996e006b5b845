"""Decides how a reply can reach its user: in a message of its own, or in the passive answer to WeChat's push."""

from collections.abc import Sequence
from typing import Any

from wxbus.accounts.models import REPLIES, Account, AccountKind
from wxbus.errors import Reject
from wxbus.wechat import Event, Message
from wxbus.wechat.messages.identity import split_customer
from wxbus.wechat.replies.api_message import api_message
from wxbus.wechat.replies.application import application_message
from wxbus.wechat.replies.kf import kf_message
from wxbus.wechat.replies.passive import passive_reply
from wxbus.wechat.replies.reply import AnyReply, TransferToCustomerService
from wxbus.wechat.replies.robot import robot_answer, robot_message
from wxbus.wechat.replies.sockets import SocketReply
from wxbus_worker.context.expired import ContextExpired


def not_sendable(reply: AnyReply, account: Account, openid: str) -> str:
    """Return why a reply cannot be sent to a user at any time; "" if it can."""
    if isinstance(reply, SocketReply):
        program = account.kind is AccountKind.MINI_PROGRAM
        return "" if program else f"account {account.name} is not a Mini Program, and has no WebSocket"
    if not account.can_message(openid):
        return f"account {account.name} has no agent_id for messages of its application"
    try:
        if account.kind is not AccountKind.WECOM:
            api_message(reply, "")
        elif account.is_robot:
            robot_message(reply)
        elif split_customer(openid):
            kf_message(reply)
        else:
            application_message(reply)
    except ValueError as exc:
        return str(exc)
    return ""


def passive_document(reply: AnyReply, message: Message, account: Account, dedup_key: str = "") -> dict[str, Any]:
    """Return the document of the passive answer with a reply; `dedup_key` of the message names a robot's text.

    Raises:
        ValueError: The answer to this push cannot carry it.
    """
    if account.reply == "transfer" and not isinstance(reply, TransferToCustomerService):
        raise ValueError("a Mini Program can only answer with a transfer")
    return robot_answer(reply, message, dedup_key) if account.is_robot else passive_reply(reply, message)


def refuse_undeliverable(
    replies: Sequence[AnyReply], message: Message, account: Account, openid: str, *, handler: str
) -> None:
    """Raise Reject if a reply cannot reach the user either way: before the commit, so that nothing is written."""
    passive_only = [(reply, reason) for reply in replies if (reason := not_sendable(reply, account, openid))]
    for reply, reason in passive_only:
        if why_not := _not_an_answer(reply, message, account):
            raise Reject(f"handler {handler} returned {reply.kind}, which cannot be sent: {reason}; {why_not}")
    if len(passive_only) > 1:
        kinds = ", ".join(reply.kind for reply, _ in passive_only)
        raise Reject(
            f"handler {handler} returned {kinds}, each of which can only be the passive answer: "
            f"{passive_only[0][1]}; an answer has one reply"
        )


def _not_an_answer(reply: AnyReply, message: Message, account: Account) -> str:
    if account.reply == "customer_service":
        other = " or ".join(f'"{way}"' for way in REPLIES[account.kind][1:])
        return f"to use it as the passive answer, account {account.name} needs reply = {other} in the accounts file"
    event = message.event if isinstance(message, Event) else ""
    if isinstance(message, ContextExpired) or not account.awaits_response(event, message.from_user):
        return "WeChat does not wait for an answer to this message"
    try:
        passive_document(reply, message, account)
    except ValueError as exc:
        return str(exc)
    return ""
