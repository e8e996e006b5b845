"""Handlers that `make run` and `make demo` run; write your own beside them."""

import structlog

from wxbus_worker import (
    AnyMessage,
    Context,
    ImageMessage,
    Router,
    TextMessage,
    UserEnterSession,
    current_delivery,
    reply,
)

router = Router("demo")


@router.text(prefix="order ")
async def order(message: TextMessage, context: Context) -> reply.Text:
    """Remember what was ordered, and ask the next question."""
    context.storage["order"] = message.content[6:]
    context.state = "address"
    return reply.Text(f"Where shall we send {message.content[6:]}?")


@router.text(state="address")
async def address(message: TextMessage, context: Context) -> reply.Text:
    """Take what follows as the answer to that question."""
    context.state = ""
    return reply.Text(f"{context.storage.pop('order')} goes to {message.content}.")


@router.text("fail twice")
async def fail_twice() -> reply.Text:
    """Fail as a real handler might: the message is parked, and comes back after a while."""
    attempt = current_delivery().attempt
    if attempt <= 2:
        raise RuntimeError(f"attempt {attempt} fails on purpose")
    return reply.Text(f"It worked at attempt {attempt}.")


@router.text
async def echo(message: TextMessage, context: Context) -> reply.Text:
    """Say it again, and how many messages there were."""
    context.storage["count"] = count = context.storage.get("count", 0) + 1
    return reply.Text(f"{message.content} ({count})")


@router.image
async def image(message: ImageMessage) -> list[reply.AnyReply]:
    """Send the picture back, after a word about it."""
    return [reply.Text("A fine picture."), reply.Image(message.media_id)]


@router.event(UserEnterSession)
async def welcome() -> reply.Text:
    """Greet whoever opens the conversation."""
    return reply.Text("Welcome back.")


@router.default
async def fallback(message: AnyMessage, log: structlog.stdlib.BoundLogger) -> None:
    """Note what nobody else wants."""
    log.info("demo.fallback", message=type(message).__name__)
