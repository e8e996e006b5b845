"""Sample handlers, which `make run` and `make demo` run."""

import structlog
from pydantic import BaseModel, Field

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


class Said(BaseModel):
    """A text that a user writes on a page of the Mini Program."""

    text: str = Field(min_length=1, max_length=500)


@router.text(prefix="order ")
async def order(message: TextMessage, context: Context) -> reply.Text:
    """Store the order and ask for the address."""
    context.storage["order"] = message.content[6:]
    context.state = "address"
    return reply.Text(f"Where shall we send {message.content[6:]}?")


@router.text(state="address")
async def address(message: TextMessage, context: Context) -> reply.Text:
    """Take the next text as the address."""
    context.state = ""
    return reply.Text(f"{context.storage.pop('order')} goes to {message.content}.")


@router.text("fail twice")
async def fail_twice() -> reply.Text:
    """Fail at the first two attempts; the message is retried."""
    attempt = current_delivery().attempt
    if attempt <= 2:
        raise RuntimeError(f"attempt {attempt} fails on purpose")
    return reply.Text(f"It worked at attempt {attempt}.")


@router.text
async def echo(message: TextMessage, context: Context) -> reply.Text:
    """Return the text with the number of texts so far."""
    context.storage["count"] = count = context.storage.get("count", 0) + 1
    return reply.Text(f"{message.content} ({count})")


@router.image
async def image(message: ImageMessage) -> list[reply.AnyReply]:
    """Return a text and the picture, if WeChat names its media id."""
    picture = [reply.Image(message.media_id)] if message.media_id else []
    return [reply.Text("A fine picture."), *picture]


@router.event(UserEnterSession)
async def welcome() -> reply.Text:
    """Greet a user who opens the conversation."""
    return reply.Text("Welcome back.")


@router.socket("chat.say")
async def say(body: Said, context: Context) -> reply.Push:
    """Answer on the page: the context is that of the user's other messages."""
    context.storage["count"] = count = context.storage.get("count", 0) + 1
    return reply.Push("chat.said", {"text": f"{body.text} ({count})"})


@router.default
async def fallback(message: AnyMessage, log: structlog.stdlib.BoundLogger) -> None:
    """Log other messages."""
    log.info("demo.fallback", message=type(message).__name__)
