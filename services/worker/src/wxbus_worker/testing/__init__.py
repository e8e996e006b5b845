"""Tests of handlers without servers: the worker's own stages over memory.

client = HandlerClient(router)
answer = await client.text("order tea")
assert answer.replies == [reply.Text("Where shall we send tea?")]
"""

from wxbus_worker.testing.client import Answer, HandlerClient, document_of
from wxbus_worker.testing.context_store import MemoryContextStore
from wxbus_worker.testing.wechat import RecordingWeChat

__all__ = ["Answer", "HandlerClient", "MemoryContextStore", "RecordingWeChat", "document_of"]
