"""Promise 2: "success" goes out only for what RabbitMQ has on disk, whatever is killed meanwhile."""

import asyncio
import random
from collections.abc import Iterable

import pytest

from tests.faults.conftest import Install
from tests.support.callers import Calls, calling
from tests.support.queues import read_inbox
from wxbus.bus.envelope import Envelope
from wxbus.bus.topology import Topology
from wxbus.wechat.documents.codec import document_from_json
from wxbus_local.servers.server import Server

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(440)]

USERS = 24
BROKER_KILLS = 3
INGRESS_KILLS = 8
PAUSE = 0.05
"""Seconds between a user's messages while RabbitMQ starts: else there is more in the spool the longer that takes."""
PATIENCE = 90.0
"""Seconds until what is in the spool must have reached RabbitMQ."""


async def test_kill_9_of_the_broker_under_load(
    own_rabbitmq: Server, redis_url: str, namespace: str, install: Install
) -> None:
    """What was answered "success" is in the queues after each crash; without RabbitMQ, answers come in time."""
    topology = Topology(namespace, partitions=4)
    async with (
        install(amqp_url=own_rabbitmq.url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        await installation.ingress()
        async with calling(installation.ingress_port, installation.credentials, users=USERS, pause=PAUSE) as calls:
            for _ in range(BROKER_KILLS):
                await calls.until_acked(random.randint(300, 900))
                await asyncio.to_thread(own_rabbitmq.kill)
                await calls.until_answered(2 * USERS)  # each user has met it
                await asyncio.to_thread(own_rabbitmq.start)
            await calls.until_acked(300)
        found = await read(own_rabbitmq.url, topology, calls)
        assert calls.others == []
        assert calls.answers["cut"] == 0
        judge(calls, found)


async def test_kill_9_of_ingress_under_load(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """A callback whose "success" was read is in the queues, at whatever moment ingress was killed."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        ingress = await installation.ingress()
        async with calling(installation.ingress_port, installation.credentials, users=USERS) as calls:
            for _ in range(INGRESS_KILLS):
                await calls.until_acked(random.randint(50, 400))
                await asyncio.sleep(random.uniform(0, 0.05))  # not only at the moment of an answer
                await ingress.kill()
                await ingress.start()
            await calls.until_acked(100)
        found = await read(amqp_url, topology, calls)
        assert calls.others == []
        assert calls.answers["cut"] >= INGRESS_KILLS, "the kills hit too few calls in flight to prove anything"
        judge(calls, found)


async def read(
    url: str, topology: Topology, calls: Calls, *, before: Iterable[tuple[str, int]] = ()
) -> list[tuple[str, int]]:
    """Return all callbacks in the inbox, behind those that were read before.

    What ingress has acknowledged and not handed on yet is waited for a while.
    """
    found = list(before)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found += [key_of(envelope) for envelope in await read_inbox(url, topology)]
                if set(calls.acked) <= set(found):
                    break
    except TimeoutError:
        print(f"not all is there after {PATIENCE:.0f} s")
    return found


def key_of(envelope: Envelope) -> tuple[str, int]:
    """Return user and number."""
    document = document_from_json(envelope.body)
    return str(document["FromUserName"]), int(str(document["Content"]))


def judge(calls: Calls, found: Iterable[tuple[str, int]]) -> None:
    """Every callback that was answered "success" was found, those of each user in the order of the answers."""
    first: dict[tuple[str, int], int] = {}
    copies = 0
    for place, key in enumerate(found):
        copies += key in first
        first.setdefault(key, place)
    refused_but_there = sum(key in first for key in calls.refused)
    print(
        f"answers: {dict(calls.answers)}, slowest {calls.slowest:.2f} s; found {len(first)} and {copies} copies, "
        f"{refused_but_there} of them refused: their outcome was not known"
    )
    assert [key for key in calls.acked if key not in first] == []
    assert not set(calls.acked) & set(calls.refused)
    places: dict[str, list[int]] = {}
    for key in calls.acked:
        places.setdefault(key[0], []).append(first[key])
    assert [user for user, order in places.items() if order != sorted(order)] == []
