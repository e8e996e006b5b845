"""Broadcasts on a real Redis: recipients, the shared rate, and what becomes of each message."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from tests.support.worker import SHOP
from wxbus.accounts.accounts import Accounts
from wxbus.api.client import WeChatClient
from wxbus.bus.envelope import EnvelopeKind
from wxbus.bus.topology import Topology
from wxbus.errors import Reject, WeChatError, WeChatUnavailable, WeChatUnreachable
from wxbus.messages.broadcasts import BroadcastStatus, NewBroadcast
from wxbus.store.store import Store
from wxbus.testing import MemoryPublisher
from wxbus.wechat import reply
from wxbus.wechat.replies.reply import reply_to_json
from wxbus.wechat.replies.windows import MESSAGE
from wxbus_worker.broadcast import sending
from wxbus_worker.broadcast.broadcaster import Broadcaster
from wxbus_worker.broadcast.recipient_contexts import RecipientContexts
from wxbus_worker.context.context import ContextPolicy, window_of
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.windows import Windows
from wxbus_worker.store.broadcasts import CATCH_UP, Broadcasts, Claimed
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration

PATH = "/cgi-bin/message/custom/send"


class FakeWeChat:
    """WeChat's API: takes messages, or raises the errors that a test gives for a user."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.asked = asyncio.Event()
        """A message is on its way."""
        self.open = asyncio.Event()
        """Clear it to keep messages on their way."""
        self.open.set()
        self.sending = asyncio.Event()
        """A message was taken."""
        self.errors: dict[str, list[Exception]] = {}
        """By openid, raised one after another."""
        self.pages: dict[str, dict[str, Any] | Exception] = {}
        """Lists of openids by cursor."""

    async def send(self, openid: str, message: reply.AnyReply) -> None:
        """Take one message."""
        assert message == reply.Text("sale")
        self.asked.set()
        await self.open.wait()
        if errors := self.errors.get(openid):
            raise errors.pop(0)
        self.sent.append(openid)
        self.sending.set()

    async def call(self, _method: str, path: str, **options: Any) -> Any:
        """Return a page of openids."""
        asked = options["params"] if path.endswith("user/get") else options["json"]
        page = self.pages[asked.get("next_openid", "")]
        if isinstance(page, Exception):
            raise page
        return options["answer"].model_validate(page)


@pytest.fixture
def broadcasts(store: Store, topology: Topology) -> Broadcasts:
    """Return the broadcasts of a namespace of the test's own."""
    return Broadcasts(store, namespace=topology.namespace)


@asynccontextmanager
async def workers(
    store: Store,
    broadcasts: Broadcasts,
    wechat: FakeWeChat,
    topology: Topology,
    publisher: MemoryPublisher | None = None,
) -> AsyncIterator[None]:
    """Run the broadcasters of two workers, which publish to `publisher`."""
    contexts = RedisContextStore(store, namespace=topology.namespace, policy=ContextPolicy())
    conversations = RecipientContexts(contexts, Accounts({"shop": SHOP}), publisher or MemoryPublisher(), Windows())
    client, metrics = cast("WeChatClient", wechat), WorkerMetrics(CollectorRegistry())
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(
                Broadcaster(
                    broadcasts, store, lambda _: client, metrics, conversations, namespace=topology.namespace
                ).run()
            )
            for _ in range(2)
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def a_broadcast(broadcasts: Broadcasts, openids: list[str], **fields: Any) -> str:
    """Create a broadcast to these users and start it; return its id."""
    new = NewBroadcast(account="shop", message=reply.Text("sale"), **{"rate": 1000, **fields})
    await broadcasts.create(new, account="shop", appid="wx1")
    if not new.collected_by_worker:
        await broadcasts.add(new.id, openids, complete=True)
    return new.id


async def until(broadcasts: Broadcasts, broadcast: str, *states: str) -> BroadcastStatus:
    """Return the status once the broadcast is in one of these states."""
    while True:
        status = await broadcasts.status(broadcast)
        assert status is not None
        if status.state in states:
            return status
        await asyncio.sleep(0.02)


async def until_paused(broadcasts: Broadcasts, broadcast: str) -> BroadcastStatus:
    """Return the status once the broadcast is paused and nothing is on its way: a late refusal would pause it again."""
    while (status := await until(broadcasts, broadcast, "paused")).in_flight:  # noqa: ASYNC110 - in Redis
        await asyncio.sleep(0.02)
    return status


async def test_each_recipient_gets_one_message(store: Store, broadcasts: Broadcasts, topology: Topology) -> None:
    """Two workers share the work; a user who is listed twice gets one message."""
    wechat = FakeWeChat()
    users = [f"o_{number}" for number in range(300)]
    broadcast = await a_broadcast(broadcasts, users + users[:10])
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        status = await until(broadcasts, broadcast, "done")

    assert sorted(wechat.sent) == sorted(users)
    assert (status.total, status.sent, status.waiting, status.in_flight, status.refused) == (300, 300, 0, 0, {})


async def test_refusals_are_counted_by_reason(store: Store, broadcasts: Broadcasts, topology: Topology) -> None:
    """What concerns one user is noted and others go on; what passes is tried again, without an answer five times."""
    wechat = FakeWeChat()
    wechat.errors = {
        **{f"o_{n}": [WeChatError(45015, "out of window", call=PATH)] for n in range(30)},
        "o_31": [WeChatError(43004, "require subscribe", call=PATH)],
        "o_32": [WeChatUnreachable("no connection")],
        "o_33": [WeChatError(-1, "busy", call=PATH)],
        "o_34": [WeChatUnavailable("no answer") for _ in range(5)],
    }
    broadcast = await a_broadcast(broadcasts, [f"o_{number}" for number in range(40)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "OUTAGE_WAIT", 0.01)
        async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
            status = await until(broadcasts, broadcast, "done")

    assert status.refused == {
        "45015 the customer-service window is closed": 30,
        "43004 the user must follow first": 1,
        "no answer from WeChat": 1,
    }
    assert status.sent == 8
    assert Counter(wechat.sent) == Counter(f"o_{number}" for number in (30, 32, 33, *range(35, 40)))
    refused = await broadcasts.refused(broadcast, start=0, count=100)
    assert {one.openid for one in refused if one.reason.startswith("43004")} == {"o_31"}
    assert len(await broadcasts.refused(broadcast, start=30, count=100)) == 2


async def test_conversations_have_the_messages(store: Store, broadcasts: Broadcasts, topology: Topology) -> None:
    """WeChat is not asked to send what it would refuse; the lanes of users with a context record the others."""
    contexts = RedisContextStore(store, namespace=topology.namespace, policy=ContextPolicy())
    for openid, count in (("o_open", 4), ("o_used_up", 5)):
        key = ContextKey.of_user("wx1", openid)
        opened = await contexts.open(key, "1")
        window = window_of(opened.context)
        window.renew(MESSAGE, time.time())
        for _ in range(count):
            window.spend(time.time())
        await contexts.commit(key, "1", opened, (), attempt_id="1")
    wechat, publisher = FakeWeChat(), MemoryPublisher()
    broadcast = await a_broadcast(broadcasts, ["o_open", "o_used_up", "o_unknown"])
    async with workers(store, broadcasts, wechat, topology, publisher), asyncio.timeout(60):
        status = await until(broadcasts, broadcast, "done")

    assert sorted(wechat.sent) == ["o_open", "o_unknown"]
    assert [(reason[:5], count) for reason, count in status.refused.items()] == [("45047", 1)]
    assert [(one.kind, one.lane, one.body) for one in publisher.published] == [
        (EnvelopeKind.BROADCAST_SENT, "wx1:o_open", reply_to_json(reply.Text("sale")))
    ]


async def test_a_wrong_message_pauses_the_broadcast(store: Store, broadcasts: Broadcasts, topology: Topology) -> None:
    """Twenty refusals in a row that concern no user, or a used-up quota, pause it; resumed, it goes on."""
    wechat = FakeWeChat()
    users = [f"o_{number}" for number in range(200)]
    wechat.errors = {user: [WeChatError(48001, "api unauthorized", call=PATH)] for user in users}
    broadcast = await a_broadcast(broadcasts, users, rate=100)  # a pause of the machine is made up for by 100
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        status = await until_paused(broadcasts, broadcast)
        assert status.reason == "20 refusals in a row: 48001 the account may not call this"
        wechat.errors = {user: [WeChatError(45009, "quota", call=PATH)] for user in users}
        await broadcasts.change(broadcast, "resume")
        status = await until_paused(broadcasts, broadcast)
        assert status.reason.startswith("45009 ")
        wechat.errors = {}
        await broadcasts.change(broadcast, "resume")
        status = await until(broadcasts, broadcast, "done")

    assert status.refused == {"48001 the account may not call this": status.total - status.sent}
    assert len(wechat.sent) == len(set(wechat.sent)) == status.sent > 50


async def test_a_cancelled_broadcast_sends_nothing_more(
    store: Store, broadcasts: Broadcasts, topology: Topology
) -> None:
    """After a cancellation nobody is claimed, and it cannot be resumed."""
    wechat = FakeWeChat()
    broadcast = await a_broadcast(broadcasts, [f"o_{number}" for number in range(1000)], rate=50)
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        await wechat.sending.wait()
        await broadcasts.change(broadcast, "cancel")
        await broadcasts.change(broadcast, "resume")
        assert (await broadcasts.claim(broadcast, limit=5)).openids == ()
    assert (await until(broadcasts, broadcast, "cancelled")).sent == len(wechat.sent) < 1000


async def test_a_worker_that_stops_notes_what_is_on_its_way(
    store: Store, broadcasts: Broadcasts, topology: Topology
) -> None:
    """It claims no more, and waits for the messages that are being sent: nobody is left claimed."""
    wechat = FakeWeChat()
    wechat.open.clear()
    broadcast = await a_broadcast(broadcasts, [f"o_{number}" for number in range(1000)], rate=100)
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        await wechat.asked.wait()
        asyncio.get_running_loop().call_later(0.1, wechat.open.set)
    status = await broadcasts.status(broadcast)
    assert status is not None
    assert status.in_flight == 0
    assert status.sent == len(wechat.sent) == 1000 - status.waiting > 0


async def test_a_worker_that_stops_gives_back_what_it_claims(store: Store, topology: Topology) -> None:
    """The script has run, its answer has not arrived: other workers need not wait for the end of the claim."""
    answered, arrives = asyncio.Event(), asyncio.Event()

    class Slow(Broadcasts):
        async def claim(self, broadcast: str, *, limit: int) -> Claimed:
            claimed = await super().claim(broadcast, limit=limit)
            answered.set()
            await arrives.wait()
            return claimed

    wechat, broadcasts = FakeWeChat(), Slow(store, namespace=topology.namespace)
    broadcast = await a_broadcast(broadcasts, ["o_1", "o_2"])
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        await answered.wait()
        asyncio.get_running_loop().call_later(0.1, arrives.set)
    status = await broadcasts.status(broadcast)
    assert status is not None
    assert (status.waiting, status.in_flight, wechat.sent) == (2, 0, [])


async def test_workers_collect_followers_page_by_page(store: Store, broadcasts: Broadcasts, topology: Topology) -> None:
    """All followers, or those with a tag, are listed by WeChat; a dry run counts them and sends nothing."""
    wechat = FakeWeChat()
    pages = [[f"o_{page}_{number}" for number in range(1100)] for page in range(2)]
    wechat.pages = {
        "": {"total": 2200, "count": 1100, "data": {"openid": pages[0]}, "next_openid": pages[0][-1]},
        pages[0][-1]: {"count": 1100, "data": {"openid": pages[1]}, "next_openid": pages[1][-1]},
        pages[1][-1]: {"count": 0, "next_openid": ""},
    }
    dry = await a_broadcast(broadcasts, [], all_followers=True, dry_run=True)
    tagged = await a_broadcast(broadcasts, [], tag=7)
    async with workers(store, broadcasts, wechat, topology), asyncio.timeout(60):
        status = await until(broadcasts, dry, "done")
        assert (status.total, status.sent, status.waiting) == (2200, 0, 0)
        assert (await until(broadcasts, tagged, "done")).sent == 2200
    assert sorted(wechat.sent) == sorted(pages[0] + pages[1])
    assert {one.id for one in await broadcasts.newest()} == {dry, tagged}


async def test_the_rate_is_shared(broadcasts: Broadcasts, store: Store) -> None:
    """However many workers claim, they get what the rate allows; a pause of all of them is made up for by a second."""
    rate = 20
    broadcast = await a_broadcast(broadcasts, [f"o_{number}" for number in range(1000)], rate=rate)
    start, claimed = await store.now(), 0
    while await store.now() < start + 0.5:
        answers = await asyncio.gather(*(broadcasts.claim(broadcast, limit=50) for _ in range(4)))
        claimed += sum(len(answer.openids) for answer in answers)
        assert claimed <= (await store.now() - start) * rate + 1
    before = await store.now()
    await asyncio.sleep(0.3)
    paused = await store.now() - before
    made_up = len((await broadcasts.claim(broadcast, limit=50)).openids)
    assert min(paused, CATCH_UP) * rate - 1 <= made_up <= (await store.now() - start) * rate + 1 - claimed


async def test_an_id_is_one_broadcast(broadcasts: Broadcasts) -> None:
    """Creating it again changes nothing, also after its start; another message under its id is refused."""
    broadcast = await a_broadcast(broadcasts, ["o_1"], id="sale-1")
    assert await a_broadcast(broadcasts, ["o_2"], id="sale-1") == broadcast
    status = await broadcasts.status(broadcast)
    assert status is not None
    assert (status.total, status.state) == (1, "running")
    with pytest.raises(Reject, match="another broadcast with the id sale-1"):
        await a_broadcast(broadcasts, ["o_1"], id="sale-1", rate=5)
