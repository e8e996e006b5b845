"""The handler that the worker's benchmark runs: one change of the context, one reply."""

from wxbus.wechat import TextMessage, reply
from wxbus_worker import Context, Router

router = Router("bench")


@router.text
async def echo(message: TextMessage, context: Context) -> reply.Text:
    """Count and answer."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(message.content)
