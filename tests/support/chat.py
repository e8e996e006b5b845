"""Handlers of the tests of sockets, for workers that are processes."""

from pydantic import BaseModel

from wxbus_worker import Context, Router, reply

router = Router("chat")


class Said(BaseModel):
    """A message of a client."""

    number: int


@router.socket("say")
async def say(body: Said, context: Context) -> reply.Push:
    """Push the number back, with how many were handled before."""
    before = context.storage.get("said", 0)
    context.storage["said"] = before + 1
    return reply.Push("said", {"number": body.number, "before": before})
