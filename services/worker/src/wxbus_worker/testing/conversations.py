"""Plays conversations from files to handlers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from wxbus.accounts.models import Account, AccountKind
from wxbus.config.settings import environment, load
from wxbus.conversations import (
    Conversation,
    Reply,
    Turn,
    differences,
    message_seen,
    parse_conversation,
    passive_reply_seen,
)
from wxbus.errors import ConfigurationError
from wxbus.wechat.replies.api_message import api_message
from wxbus.wechat.replies.application import application_message
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.handlers.base_router import Includable
from wxbus_worker.handlers.loading import load_router
from wxbus_worker.testing.client import FIRST_SECOND, HandlerClient
from wxbus_worker.testing.documents import as_text
from wxbus_worker.testing.result import Result


class _App(BaseSettings):
    """The worker's settings that name the handlers; the others are not needed here."""

    model_config = environment("WXBUS_WORKER_")

    app: str = ""
    app_dir: str = "."


class ConversationDiffers(AssertionError):
    """Replies differ from the conversation's; the text has each difference."""


async def play(path: str | Path, handlers: Includable | HandlerClient | None = None) -> list[Result]:
    """Play a conversation to handlers, compare their replies, and return the results, one for each turn.

    A message whose handler fails is retried at once, as often as its retry policy says.

    Args:
        path: The file, as the sandbox exports it (decision 0051).
        handlers: A router, a `MessageHandler`, or a `HandlerClient` with more options; None: those that
            `WXBUS_WORKER_APP` names.

    Raises:
        ConversationDiffers: At least one reply is not as expected.
        ConfigurationError: The file is not a conversation, or there are no handlers.
    """
    path = Path(path)
    try:
        conversation = parse_conversation(path.read_text("utf-8"), name=path.name)
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path}: {exc}") from exc
    if isinstance(handlers, HandlerClient):
        return await _play(conversation, handlers, path.name)
    account = Account(name=conversation.account, appid="wx_test", kind=AccountKind(conversation.kind))
    async with HandlerClient(_handlers(handlers), account=account, raise_errors=False) as client:
        return await _play(conversation, client, path.name)


def _handlers(handlers: Includable | None) -> Includable:
    if handlers is not None:
        return handlers
    app = load(_App)
    if not app.app:
        raise ConfigurationError("no handlers: give a router, or set WXBUS_WORKER_APP")
    return load_router(app.app, app_dir=app.app_dir)


async def _play(conversation: Conversation, client: HandlerClient, name: str) -> list[Result]:
    results, lines = [], list[str]()
    for number, turn in enumerate(conversation.turns, start=1):
        user = conversation.user_of(turn)
        attempts = [await client.push(_document(client, turn, user, number))]
        while attempts[-1].outcome == "retried":
            attempts.append(await client.retry())
        if attempts[-1].error is not None:
            raise attempts[-1].error
        results.append(attempts[-1])
        received = [reply for attempt in attempts for reply in _seen(client.account, attempt, user)]
        found = list(differences(turn, received))
        if found:
            lines += [f"turn {number}, {user}: {turn.title()}", *(f"  {line}" for line in found)]
    if lines:
        raise ConversationDiffers("\n".join([f"{name} is answered differently:", *lines]))
    return results


def _document(client: HandlerClient, turn: Turn, user: str, number: int) -> dict[str, Any]:
    """Return the push of a turn, as ingress receives it."""
    header: dict[str, Any] = {
        "ToUserName": f"gh_{client.account.name}",
        "FromUserName": user,
        "CreateTime": FIRST_SECOND + number,
        "MsgType": turn.message_type,
        **({"Event": turn.event} if turn.event is not None else {"MsgId": number}),
    }
    return {name: as_text(value) for name, value in {**header, **turn.content()}.items()}


def _seen(account: Account, result: Result, user: str) -> Iterator[Reply]:
    """Yield the replies of an attempt as the user sees them."""
    response: Mapping[str, Any] | None = result.response
    for reply in result.replies:
        if reply is result.passive and response is not None:
            yield passive_reply_seen(response)
        else:
            yield _message(account, reply, user)


def _message(account: Account, reply: AnyReply, user: str) -> Reply:
    if account.kind is AccountKind.WECOM:
        return message_seen(application_message(reply))
    try:
        return message_seen(api_message(reply, user)[1], kind=reply.kind)
    except ValueError:  # WeChat has no such message: a push on a socket, for example
        return {"type": reply.kind}
