"""A plain signature does not cover the body: it is valid for one message, over all processes."""

from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from tests.support.pushes import APPID, TOKEN, Push, a_push, a_text
from tests.support.worker import Rig
from wxbus.accounts.accounts import Accounts
from wxbus.bus.envelope import Envelope
from wxbus.runtime.sockets import listening_socket
from wxbus.store.store import Store
from wxbus.testing import MemoryPublisher
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits
from wxbus_worker import Account, AccountKind, Router, TextMessage
from wxbus_worker.delivery.settlement import Done, ToDeadLetters
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.signatures import SignatureGuard

pytestmark = pytest.mark.integration

PLAIN = Account(
    name="shop",
    appid=APPID,
    kind=AccountKind.OFFICIAL_ACCOUNT,
    token=SecretStr(TOKEN),
    aes_key=None,
    modes=(Mode.PLAIN,),
)


@pytest.fixture
def handled() -> list[str]:
    """Return what the handlers of all workers have seen."""
    return []


@pytest.fixture
def workers(store: Store, namespace: str, handled: list[str]) -> tuple[Rig, Rig]:
    """Return two workers that share a Redis."""
    router = Router()

    @router.text
    async def see(message: TextMessage) -> None:
        handled.append(message.content)

    def worker() -> Rig:
        contexts = RedisContextStore(store, namespace=namespace, policy=router.context_policy)
        signatures = SignatureGuard(store, namespace=namespace)
        return Rig(router, store=contexts, account=PLAIN, signatures=signatures)

    return worker(), worker()


async def accepted_by_two(*pushes: Push) -> list[Envelope]:
    """Return the envelopes of two pushes, one from each of two ingress processes."""
    envelopes: list[Envelope] = []
    for push in pushes:
        publisher = MemoryPublisher()
        app = build_app(Limits(budget=20), Accounts({"shop": PLAIN}), publisher, registry=CollectorRegistry())
        async with AsyncExitStack() as stack:
            port = await stack.enter_async_context(serving(app, listening_socket("127.0.0.1", 0), grace=1))
            url = f"http://127.0.0.1:{port}/wechat/shop"
            async with aiohttp.request("POST", url, params=push.query, data=push.body) as answer:
                assert answer.status == 200
        envelopes += publisher.published
    return envelopes


def under_one_signature(first: Push, second: Push) -> tuple[Push, Push]:
    """Return both pushes with the query of the first."""
    return first, Push(first.query, second.body)


async def test_another_message_with_a_used_signature_runs_no_handler(
    workers: tuple[Rig, Rig], handled: list[str]
) -> None:
    """In every combination of process, worker and user; it is dead-lettered."""
    forged = a_push(a_text("forged", openid="o_other", msg_id="2"), mode=Mode.PLAIN)
    true, false = await accepted_by_two(*under_one_signature(a_push(a_text("true"), mode=Mode.PLAIN), forged))
    assert isinstance(await workers[0].handle(true), Done)
    settlement = await workers[1].handle(false)
    assert isinstance(settlement, ToDeadLetters)
    assert "signature is that of another message" in str(settlement.error)
    assert handled == ["true"]


async def test_the_same_message_with_its_signature_is_a_duplicate(workers: tuple[Rig, Rig], handled: list[str]) -> None:
    """A repeated request, or WeChat's retry with the signature of the first push."""
    push = a_push(a_text("true"), mode=Mode.PLAIN)
    for worker, envelope in zip(workers, await accepted_by_two(push, push), strict=True):
        assert isinstance(await worker.handle(envelope), Done)
    assert handled == ["true"]


async def test_a_replay_passes_the_signature_check(workers: tuple[Rig, Rig], handled: list[str]) -> None:
    """Two messages of WeChat may share second and nonce by chance: an operator can replay the dead letter."""
    chance = a_push(a_text("chance", msg_id="2"), mode=Mode.PLAIN)
    first, second = await accepted_by_two(*under_one_signature(a_push(a_text("true"), mode=Mode.PLAIN), chance))
    for envelope in (first, second, replace(second, replay=True)):
        await workers[0].handle(envelope)
    assert handled == ["true", "chance"]
