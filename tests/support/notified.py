"""Handlers of the tests of messages from anywhere, for workers that are processes."""

from wxbus_worker import Context, Router, Signal, TextMessage, reply

router = Router("notified")


@router.text
async def echo(message: TextMessage) -> reply.Text:
    """Reply with the text."""
    return reply.Text(f"you said {message.content}")


@router.signal("paid")
async def paid(signal: Signal, context: Context) -> reply.Text:
    """Count the payments of the user."""
    context.storage["paid"] = number = context.storage.get("paid", 0) + 1
    return reply.Text(f"payment {number}: {signal.data['order']}")
