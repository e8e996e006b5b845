"""A bot whose messages end in different ways."""

from wxbus_worker import Context, Reject, Router, TextMessage, reply

router = Router("traced")


@router.text("hopeless")
async def hopeless() -> reply.Text:
    """Give up at once: the message becomes a dead letter."""
    raise Reject("it cannot be done")


@router.text
async def count(message: TextMessage, context: Context) -> reply.Text:
    """Reply with the text and the number of texts so far."""
    context.storage["count"] = number = context.storage.get("count", 0) + 1
    context.storage["api_token"] = "never shown"
    return reply.Text(f"{message.content} ({number})")
