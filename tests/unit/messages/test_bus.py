"""The bus of other programs without servers."""

from datetime import UTC, datetime, timedelta

import pytest

from wxbus.errors import BrokerUnavailable, ConfigurationError
from wxbus.messages import Bus
from wxbus.messages.bus import QueuedSubmit
from wxbus.messages.requests import Sendable, SendRequest, parse_submission
from wxbus.wechat import reply


class FlakyQueue:
    """A queue that loses RabbitMQ as often as a test wants."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.bodies: list[bytes] = []

    async def put(self, body: bytes, *, budget: float) -> None:
        """Take a request; the first ones may have arrived although there is no confirm."""
        assert 0 < budget <= 10
        self.bodies.append(body)
        if self.failures:
            self.failures -= 1
            raise BrokerUnavailable("publishing: no answer in time")


async def test_a_request_is_repeated_with_the_same_id() -> None:
    """If RabbitMQ is lost, the bus puts the same request again: workers handle it once."""
    queue = FlakyQueue(failures=2)
    await Bus(QueuedSubmit(queue)).send("shop", "o_1", reply.Text("hello"))
    assert len(queue.bodies) == 3
    assert len(set(queue.bodies)) == 1


async def test_wrong_arguments_are_refused_before_the_network() -> None:
    """The error names the argument and the limit; nothing is put into the queue."""
    queue = FlakyQueue(failures=0)
    bus = Bus(QueuedSubmit(queue))
    far = datetime.now(UTC) + timedelta(days=400)
    for openid, fields, text in (
        ("o 1", {}, "openid: String should match pattern"),
        ("o_1", {"id": "with space"}, "id: String should match pattern"),
        ("o_1", {"send_at": far}, "send_at: must be at most 366 days from now"),
        ("o_1", {"send_at": datetime(2027, 1, 1)}, "send_at: Input should have timezone info"),
    ):
        with pytest.raises(ValueError, match=text):
            await bus.send("shop", openid, reply.Text("hello"), **fields)
    with pytest.raises(ValueError, match="reply: Input tag 'transfer_customer_service' found"):
        await bus.send("shop", "o_1", reply.TransferToCustomerService())  # type: ignore[arg-type]
    assert queue.bodies == []


async def test_a_wrong_address_is_named() -> None:
    """An address of RPC needs a key."""
    for url in ("http://worker:8084", "worker", ""):
        with pytest.raises(ConfigurationError, match="without an API key the address must be that of RabbitMQ"):
            async with Bus.open(url):
                pass


async def test_what_is_put_is_what_workers_take() -> None:
    """Every kind of sendable reply keeps its fields through the queue."""
    queue = FlakyQueue(failures=0)
    bus = Bus(QueuedSubmit(queue))
    sent: list[Sendable] = [
        reply.Text("你好"),
        reply.News((reply.Article("t", url="u"),)),
        reply.TemplateMessage("t", {"thing1": "Tea"}, page_path="pages/a", mini_program="wx2"),
        reply.Menu((reply.MenuItem("1", "yes"),), head="?"),
    ]
    for one in sent:
        await bus.send("shop", "o_1", one)
    taken = [parse_submission(body) for body in queue.bodies]
    assert [one.reply for one in taken if isinstance(one, SendRequest)] == sent
