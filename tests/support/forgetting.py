"""A bot whose contexts are due after a second: it answers each of a user's messages, and the end of what it knew."""

from datetime import UTC, datetime, timedelta

from wxbus_worker import Context, Router, reply

router = Router("forgetting", expire_after=timedelta(seconds=1))


@router.text
async def count(context: Context) -> reply.Text:
    """Count the user's messages."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(f"counted {context.storage['count']}")


@router.context_removed
async def removed(context: Context) -> reply.Text:
    """Say what is forgotten, and how many seconds after its time."""
    assert context.last_active
    late = datetime.now(UTC) - context.last_active - context.expire_after
    return reply.Text(f"forgotten {context.storage['count']} {late.total_seconds():.2f}")
