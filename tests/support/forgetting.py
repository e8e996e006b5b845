"""A bot whose contexts expire after a second: it replies to each message and to the removal of the context."""

from datetime import UTC, datetime, timedelta

from wxbus_worker import Context, Router, reply

router = Router("forgetting", expire_after=timedelta(seconds=1))


@router.text
async def count(context: Context) -> reply.Text:
    """Count the messages of the user."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(f"counted {context.storage['count']}")


@router.context_removed
async def removed(context: Context) -> reply.Text:
    """Reply with the removed count and the delay of the removal in seconds."""
    assert context.last_active
    late = datetime.now(UTC) - context.last_active - context.expire_after
    return reply.Text(f"forgotten {context.storage['count']} {late.total_seconds():.2f}")
