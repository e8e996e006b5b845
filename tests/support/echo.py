"""A router that echoes, and the errors of WeChat that its replies meet."""

from tests.support.metrics import counted
from tests.support.worker import Rig
from wxbus_worker import (
    Context,
    Router,
    TextMessage,
    WeChatError,
    reply,
)


class Echo:
    """Router that answers each text with one reply per word, and counts its runs in the context and in `runs`."""

    def __init__(self) -> None:
        self.router = Router()
        self.runs: list[str] = []

        @self.router.text
        async def echo(message: TextMessage, context: Context) -> list[reply.Text]:
            self.runs.append(message.content)
            context.storage["runs"] = context.storage.get("runs", 0) + 1
            return [reply.Text(word) for word in message.content.split()]


def refusal(errcode: int) -> WeChatError:
    """Return the error that the client raises for an errcode."""
    return WeChatError(errcode, "no", call="/cgi-bin/message/custom/send")


def undelivered(rig: Rig, reason: str) -> float:
    """Return the number of replies that did not reach their users for this reason."""
    return counted(rig.metrics.undelivered.labels(reason))
