"""Messages of WeChat Customer Service are pulled once, in order, and completely; the cursor is in a real Redis."""

from collections.abc import AsyncIterator

import pytest

from tests.support.envelopes import an_envelope
from tests.support.sandbox import World, a_world
from wxbus.api.wecom.client import WeComClient
from wxbus.bus.envelope import Envelope
from wxbus.errors import BrokerUnavailable, RetryLater
from wxbus.store.store import Store
from wxbus.testing import MemoryPublisher
from wxbus.wechat import KfPushEvent
from wxbus_sandbox.models import Fault
from wxbus_sandbox.settings import Rules
from wxbus_worker.customer_service.pull import CustomerServicePuller
from wxbus_worker.store.kf_cursors import KfCursors

pytestmark = pytest.mark.integration

SYNC = "/wecom/cgi-bin/kf/sync_msg"


class Broker(MemoryPublisher):
    """Confirms some envelopes, then none."""

    confirms = 1_000_000

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Publish, or fail as without a confirm: the envelope may have arrived."""
        await super().publish(envelope, budget=budget)
        self.confirms -= 1
        if self.confirms < 0:
            raise BrokerUnavailable("no confirm")

    def contents(self, customer: str) -> list[str]:
        """Return the texts in a customer's lane, each dedup id once, as the lane handles them."""
        lane = [one for one in self.published if one.lane == f"wxcorp:wk1:{customer}"]
        first = {one.dedup_id: one for one in reversed(lane)}
        ordered = sorted(first.values(), key=lane.index)
        return [one.body.decode().partition('"content":"')[2].partition('"')[0] for one in ordered]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Yield a sandbox whose pages have three messages."""
    async with a_world(Rules(push_spacing=0, kf_page=3)) as world:
        yield world


@pytest.fixture
def cursors(store: Store, namespace: str) -> KfCursors:
    """Return the cursors."""
    return KfCursors(store, namespace=namespace)


async def write(world: World, customer: str, *texts: str) -> str:
    """Let a customer write; return the token of the last push."""
    token = ""
    for text in texts:
        written = await world.control.customer("corp", text, open_kfid="wk1", external_userid=customer, push=False)
        token = written.value
    return token


async def pull(puller: CustomerServicePuller, token: str, *, arrived: float = float("inf")) -> None:
    """Pull as for a push with this token."""
    push = an_envelope(account="corp", appid="wxcorp", openid=None, lane="wxcorp:wk1", body=b"{}")
    event = KfPushEvent(created_at=1, token=token, open_kf_id="wk1")
    await puller(push, event, arrived=arrived)


async def test_each_customer_gets_a_lane(world: World, cursors: KfCursors) -> None:
    """All pages are read, the messages of a customer are in order, and a second pull begins after them."""
    broker = Broker()
    puller = CustomerServicePuller(lambda _: world.application(), broker, cursors)
    await write(world, "wm1", "a", "b")
    await write(world, "wm2", "x")
    token = await write(world, "wm1", "c", "d")

    await pull(puller, token)
    await pull(puller, await write(world, "wm1", "e"))

    assert broker.contents("wm1") == ["a", "b", "c", "d", "e"]
    assert broker.contents("wm2") == ["x"]
    assert len(broker.published) == 6
    first = broker.published[0]
    assert (first.account, first.openid, first.reply_to) == ("corp", "wk1:wm1", None)


async def test_a_page_without_all_confirms_is_published_again(world: World, cursors: KfCursors) -> None:
    """The cursor does not move: the next pull, on any worker, publishes the page with the same dedup ids."""
    for confirms in range(4):
        broker, customer = Broker(), f"wm{confirms}"
        broker.confirms = confirms
        token = await write(world, customer, "a", "b", "c", "d")
        with pytest.raises(BrokerUnavailable):
            await pull(CustomerServicePuller(lambda _: world.application(), broker, cursors), token)
        broker.confirms = 1_000_000

        await pull(CustomerServicePuller(lambda _: world.application(), broker, cursors), token)

        assert broker.contents(customer) == ["a", "b", "c", "d"]


async def test_a_worker_that_lost_the_account_does_not_move_the_cursor(world: World, cursors: KfCursors) -> None:
    """It was frozen while another worker went on: its page is a duplicate, and the cursor stays ahead."""
    token = await write(world, "wm1", "a", "b", "c", "d")
    other = Broker()

    class Frozen(Broker):
        async def publish(self, envelope: Envelope, *, budget: float) -> None:
            if not other.published:
                await pull(CustomerServicePuller(lambda _: world.application(), other, cursors), token)
            await super().publish(envelope, budget=budget)

    frozen = Frozen()
    await pull(CustomerServicePuller(lambda _: world.application(), frozen, cursors), token)

    assert (len(other.published), len(frozen.published)) == (4, 3)
    assert await cursors.get("wxcorp", "wk1") == "4"
    assert {one.dedup_id for one in frozen.published} < {one.dedup_id for one in other.published}
    for _ in range(2):  # the script may be repeated
        assert await cursors.advance("wxcorp", "wk1", "4", "5")
    assert not await cursors.advance("wxcorp", "wk1", "4", "6")


async def test_an_expired_token_is_left_out(world: World, cursors: KfCursors) -> None:
    """A push that waited for more than ten minutes is pulled without its token (95007)."""
    broker = Broker()
    token = await write(world, "wm1", "a")
    world.clock.advance(601)

    await pull(CustomerServicePuller(lambda _: world.application(), broker, cursors), token)

    assert broker.contents("wm1") == ["a"]


async def test_a_limit_is_waited_for(world: World, cursors: KfCursors) -> None:
    """WeCom's frequency limit makes the push retry after the time of the errcode; nothing is dead-lettered for it."""
    puller = CustomerServicePuller(lambda _: world.application(), Broker(), cursors)
    token = await write(world, "wm1", "a")
    await world.control.fault(Fault(path=SYNC, errcode=45011))
    with pytest.raises(RetryLater) as caught:
        await pull(puller, token)
    assert caught.value.after is not None


async def test_pushes_that_waited_need_one_pull(world: World, cursors: KfCursors) -> None:
    """A pull that began after a push had arrived has read what it announced."""
    calls: list[str] = []

    def client_of(appid: str) -> WeComClient:
        calls.append(appid)
        return world.application()

    puller = CustomerServicePuller(client_of, Broker(), cursors)
    token = await write(world, "wm1", "a")
    for _ in range(3):
        await pull(puller, token, arrived=0.0)
    assert len(calls) == 1
    await pull(puller, token)
    assert len(calls) == 2
