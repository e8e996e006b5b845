"""Each account has one refresher, also if instances, Redis or clocks fail (promise 5)."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.processes import Service
from tests.support.short_lived import Fetch, Moment, ShortLivedWeChat
from tests.support.sizes import soak
from tests.support.stores import open_store
from tests.support.token_fleet import MARGIN, Answers, Fleet
from wxbus_local.servers.launcher import Launcher
from wxbus_local.servers.server import Server
from wxbus_sandbox.settings import Rules

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(150)]

LIFETIME, OVERLAP = 20, 12
SHORT = Rules(token_lifetime=LIFETIME, token_overlap=OVERLAP, stable_renewal=MARGIN, forced_interval=0)
ACCOUNTS = {"wxstable1": False, "wxstable2": False, "wxclassic1": True, "wxclassic2": True}
"""Each appid, and whether its tokens are fetched the classic way."""
KILLS = soak(8, 3)
HOUR = 3600.0


OpenFleet: TypeAlias = Callable[..., AbstractAsyncContextManager[Fleet]]


@pytest.fixture
def open_fleet(redis_url: str, namespace: str, launcher: Launcher, tmp_path: Path) -> OpenFleet:
    """Return `Fleet.open` with this test's folder and names."""
    return partial(Fleet.open, launcher.run, tmp_path, redis_url=redis_url, namespace=namespace)


class Killer:
    """Kills instances that fetch, before or after WeChat makes the token; never twice in a row for one account."""

    def __init__(self, fleet: Fleet, tasks: asyncio.TaskGroup, rng: random.Random) -> None:
        self._fleet = fleet
        self._tasks = tasks
        self._rng = rng
        self._spared: set[str] = set()
        self._down: set[str] = set()
        """Callers that are killed or start again."""
        self._dying: set[str] = set()
        """Callers that are about to be killed: what they still ask WeChat for is lost."""
        self._killed = self._revived = 0
        self.lost: Counter[str] = Counter()
        """Fetches of each account that died with their instance."""
        self.over = asyncio.Event()

    async def __call__(self, fetch: Fetch, moment: Moment) -> None:
        """Decide whether the caller of a fetch is killed."""
        if fetch.caller in self._down:
            if fetch.caller in self._dying and moment is Moment.ASKED:
                self.lost[fetch.appid] += 1
                self._spared.add(fetch.appid)
            return
        if fetch.appid in self._spared:
            if moment is Moment.MADE:  # it is answered; the next may be killed again
                self._spared.discard(fetch.appid)
            return
        dying = [other.appid for other in self._fleet.wechat.under_way if other.caller == fetch.caller]
        if self._killed < KILLS and self._spared.isdisjoint(dying) and self._rng.random() < 0.5:
            self._killed += 1
            self._down.add(fetch.caller)
            self._dying.add(fetch.caller)
            self._spared.update(dying)
            self.lost.update(dying)
            self._tasks.create_task(self._replace(self._fleet.asking(fetch)))
            await asyncio.Event().wait()  # ends with the connection

    async def _replace(self, holder: Service) -> None:
        await holder.kill()
        self._dying.discard(holder.name)
        await holder.start()
        self._down.discard(holder.name)
        self._revived += 1
        if self._revived == KILLS:
            self.over.set()


async def until_all_said(fleet: Fleet, event: str, *, times: int) -> None:
    """Return when every instance has logged the event so many times."""
    await asyncio.gather(*(instance.until_said(event, times=times) for instance in fleet.instances))


async def all_given(all_answers: Iterable[Answers]) -> None:
    """Return when every caller has got a token from now on: no instance has ended or is stuck."""
    waited = list(all_answers)
    for answers in waited:
        answers.given.clear()
    await asyncio.gather(*(answers.given.wait() for answers in waited))


async def test_holders_of_the_lock_are_killed(open_fleet: OpenFleet) -> None:
    """SIGKILL of the fetching instance, at random before and after the token is made, causes no second refresher.

    Two of the instances have a wall clock that is an hour off. At most one fetch per account is under way; no caller
    gets an older token after a newer one, one that was superseded longer ago than WeChat's overlap, or an error; the
    number of fetches is that of planned refreshes and of kills.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    wechat = ShortLivedWeChat(SHORT)
    skews = [0.0] * soak(8, 1) + [HOUR, -HOUR]
    async with (
        open_fleet(wechat, skews=skews, accounts=ACCOUNTS) as fleet,
        asyncio.timeout(140),
    ):
        began = time.monotonic()
        seen = {(instance.name, appid): Answers() for instance in fleet.instances for appid in ACCOUNTS}
        async with asyncio.TaskGroup() as tasks:
            killer = wechat.look = Killer(fleet, tasks, random.Random(seed))
            callers = [
                tasks.create_task(fleet.ask_on(instance, appid, seen[instance.name, appid], pause=0.2))
                for instance in fleet.instances
                for appid in ACCOUNTS
            ]
            await killer.over.wait()
            wechat.look = None
            await all_given(seen.values())
            for caller in callers:
                caller.cancel()
        elapsed = time.monotonic() - began
        words = fleet.last_words()
    assert wechat.most_at_once == Counter(dict.fromkeys(ACCOUNTS, 1)), words
    for (name, appid), answers in seen.items():
        assert answers.numbers == sorted(answers.numbers), f"{name} gave an older token of {appid}\n{words}"
        assert answers.worst <= OVERLAP, f"{name} gave a token of {appid} superseded for {answers.worst:.1f} s\n{words}"
        assert not answers.refusals, f"{name}, {appid}: {answers.refusals[:3]}\n{words}"
    for appid in ACCOUNTS:
        planned = 1 + elapsed / (LIFETIME - MARGIN)
        assert wechat.fetched(appid) <= planned + killer.lost[appid] + 1, f"too many fetches of {appid}\n{words}"


async def test_a_holder_that_froze_past_its_lease(open_fleet: OpenFleet) -> None:
    """Another instance takes over after the lease; the frozen one replaces nothing newer when it continues.

    It froze before WeChat made the token, or after.
    """
    accounts = {f"wxclassic{number}": moment for number, moment in enumerate(Moment)}
    wechat = ShortLivedWeChat(SHORT)
    async with (
        open_fleet(wechat, skews=[0.0] * 3, accounts=dict.fromkeys(accounts, True)) as fleet,
        asyncio.timeout(120),
    ):
        for appid, moment in accounts.items():
            await freeze_the_holder(fleet, wechat, appid, moment)


async def freeze_the_holder(fleet: Fleet, wechat: ShortLivedWeChat, appid: str, moment: Moment) -> None:
    """Freeze the instance that fetches an account's first token; check what all instances give afterwards."""
    frozen: asyncio.Future[Service] = asyncio.get_running_loop().create_future()

    async def freeze_the_first(fetch: Fetch, at: Moment) -> None:
        if fetch.appid == appid and at is moment and not frozen.done():
            frozen.set_result(holder := fleet.asking(fetch))
            holder.freeze()

    wechat.look = freeze_the_first
    first, second, _ = fleet.instances
    asking = asyncio.create_task(fleet.call(first, "get", appid=appid))
    holder = await frozen
    status, body = await fleet.call(second, "get", appid=appid)
    assert status == 200, body
    number, _ = wechat.judge(appid, body["access_token"])
    holder.thaw()
    status, late = await asking
    assert status == 200, late
    assert wechat.judge(appid, late["access_token"])[0] >= number
    seen = {instance.name: Answers() for instance in fleet.instances}
    async with asyncio.TaskGroup() as tasks:
        callers = [tasks.create_task(fleet.ask_on(one, appid, seen[one.name])) for one in fleet.instances]
        await all_given(seen.values())
        for caller in callers:
            caller.cancel()
    words = fleet.last_words()
    for name, answers in seen.items():
        assert answers.numbers[0] >= number, f"{name} went back after {moment}\n{words}"
        assert answers.numbers == sorted(answers.numbers), f"{name} went back after {moment}\n{words}"
        assert answers.worst <= OVERLAP, f"{name} gave an invalid token after {moment}\n{words}"
        assert not answers.refusals, f"{name} after {moment}: {answers.refusals[:3]}\n{words}"


async def test_redis_restarts(open_fleet: OpenFleet, own_redis: Server) -> None:
    """Callers get no error; Redis with its data causes no fetch, without them at most one per account."""
    long = Rules(forced_interval=0)
    accounts = {"wxstable1": False, "wxclassic1": True}
    wechat = ShortLivedWeChat(long)
    fetches: list[dict[str, int]] = []
    async with (
        open_fleet(wechat, skews=[0.0] * 3, accounts=accounts, redis_url=own_redis.url) as fleet,
        asyncio.timeout(120),
    ):
        seen = {(one.name, appid): Answers() for one in fleet.instances for appid in accounts}
        async with asyncio.TaskGroup() as tasks:
            callers = [
                tasks.create_task(fleet.ask_on(one, appid, seen[one.name, appid]))
                for one in fleet.instances
                for appid in accounts
            ]
            await all_given(seen.values())
            for restarts, keeps in enumerate([True, False], start=1):
                before = {appid: wechat.fetched(appid) for appid in accounts}
                if not keeps:
                    async with open_store(own_redis.url, name="test") as store:
                        await store.command("FLUSHALL")
                await asyncio.to_thread(own_redis.kill)
                await until_all_said(fleet, "token.store_unavailable", times=restarts)
                await all_given(seen.values())
                await asyncio.to_thread(own_redis.start)
                await until_all_said(fleet, "token.store_recovered", times=restarts)
                await all_given(seen.values())
                fetches.append({appid: wechat.fetched(appid) - before[appid] for appid in accounts})
            for caller in callers:
                caller.cancel()
        words = fleet.last_words()
    for (name, appid), answers in seen.items():
        assert not answers.refusals, f"{name}, {appid}: {answers.refusals[:3]}\n{words}"
    with_data, without_data = fetches
    assert set(with_data.values()) == {0}, words
    assert max(without_data.values()) <= 1, words
