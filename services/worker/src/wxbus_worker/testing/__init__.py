"""Tests of handlers without servers: the worker's stages on stores in memory.

client = HandlerClient(router)
result = await client.text("order tea")
assert result.replies == [reply.Text("Where shall we send tea?")]
"""

from wxbus_worker.testing.client import HandlerClient
from wxbus_worker.testing.context_store import MemoryContextStore
from wxbus_worker.testing.conversations import ConversationDiffers, play
from wxbus_worker.testing.documents import document_of
from wxbus_worker.testing.result import Result
from wxbus_worker.testing.tokens import FixedTokens
from wxbus_worker.testing.wechat import RecordingWeChat
from wxbus_worker.testing.wecom import RecordingWeCom

__all__ = [
    "ConversationDiffers",
    "FixedTokens",
    "HandlerClient",
    "MemoryContextStore",
    "RecordingWeChat",
    "RecordingWeCom",
    "Result",
    "document_of",
    "play",
]
