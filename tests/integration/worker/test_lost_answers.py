"""A script runs, but Redis's answer is lost: the worker must not apply it twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.proxy import Proxy, proxied
from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.store.batches import Argument
from wxbus.store.generation import Generation
from wxbus.store.store import Script, Store
from wxbus.testing import MemoryDelivery
from wxbus_worker import Context, Router, reply
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.retrying import RetryingStore

pytestmark = pytest.mark.integration


class LosingStore(Store):
    """A store that loses the first answer of one script or command."""

    lose = ""
    """Name of the script or command, until its answer was lost."""
    proxy: Proxy

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Run a script, and lose the answer if it is the first."""
        with self._losing(script.name):
            return await super().run(script, keys=keys, args=args)

    async def command(self, name: str, *words: Argument) -> Any:
        """Run a command, and lose the answer if it is the first."""
        with self._losing(name):
            return await super().command(name, *words)

    @contextmanager
    def _losing(self, name: str) -> Iterator[None]:
        if name != self.lose:
            yield
            return
        self.proxy.hold_answers()
        try:
            yield
        finally:
            self.lose = ""
            self.proxy.flow()


@pytest.mark.parametrize("script", ["commit.lua", "LREM"])
async def test_a_script_is_repeated_after_a_lost_answer(
    redis_url: str, namespace: str, redis: Redis, script: str
) -> None:
    """The repeated script changes nothing: one run of the handler, one commit, one reply."""
    runs = 0
    router = Router()

    @router.text
    async def count(context: Context) -> reply.Text:
        nonlocal runs
        runs += 1
        context.storage["runs"] = context.storage.get("runs", 0) + 1
        return reply.Text(f"run {runs}")

    async with proxied(redis_url) as (proxy, address), LosingStore.open(address, answer_timeout=0.5) as store:
        assert isinstance(store, LosingStore)
        retrying = RetryingStore(store, Generation(store, namespace=namespace))
        contexts = RedisContextStore(retrying, namespace=namespace, policy=router.context_policy)
        rig = Rig(router, store=contexts, availability=retrying)
        await rig.handle(a_text_envelope("first"))  # Redis knows the script from here on
        store.proxy, store.lose = proxy, script
        delivery = MemoryDelivery(a_text_envelope("second"))
        await rig.handle(delivery)

        assert store.lose == ""
        assert (runs, delivery.acked, rig.wechat.texts) == (2, True, ["run 1", "run 2"])
        assert (await contexts.open(KEY, "")).context.storage == {"runs": 2}
        assert not await redis.exists(contexts.keys.of(KEY, "outbox"))
