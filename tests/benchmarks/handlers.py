"""The handler that the worker's benchmarks run: one change of the context, one reply."""

from wxbus_worker import Context, Router, TextMessage, reply

RECORDS = 2
"""Requests and responses of a context in `small`."""

router = Router("bench")
small = Router("small", max_record_count=RECORDS)


@router.text
@small.text
async def echo(message: TextMessage, context: Context) -> reply.Text:
    """Count and answer."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(message.content)
