"""`python -m wxbus_worker dead` on real dead letters."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aio_pika
import pytest
from typer.testing import CliRunner, Result

from tests.support.envelopes import an_envelope
from tests.support.queues import read_inbox, until_dead
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.ports import Death
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_worker.cli.dead_commands import dead as command

pytestmark = pytest.mark.integration


@dataclass
class Operator:
    """Runs commands as an operator does."""

    env: dict[str, str]

    async def dead(self, *words: str, answer: str = "", code: int = 0) -> str:
        """Run the command and return what it prints."""
        result: Result = await asyncio.to_thread(
            CliRunner().invoke, command, list(words), input=answer, env={"COLUMNS": "200", **self.env}
        )
        assert result.exit_code == code, result.output
        return result.stdout

    async def listed(self, *words: str) -> list[dict[str, Any]]:
        """Return the letters that `list` prints."""
        return [json.loads(line) for line in (await self.dead("list", "--json", *words)).splitlines()]


async def dead_letter(
    amqp_url: str, topology: Topology, deaths: Sequence[tuple[str, str, str]], *, committed: str | None = None
) -> None:
    """Dead-letter messages, one per second: openid, reason, error."""
    sink = CollectingSink()
    consumer = Consumer(amqp_url, topology, sink, name="dead-letter")
    async with Publisher.open(amqp_url, topology, name="dead-letter") as publisher, asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(range(topology.partitions)))
        for number, (openid, reason, error) in enumerate(deaths):
            await publisher.publish(
                an_envelope(number, openid=openid, attempt=3, received_at=1_700_000_000.25), budget=10
            )
            delivery = (await sink.until_delivered(number + 1))[-1]
            death = Death(
                reason=reason,
                error=error,
                traceback="its traceback",
                attempts=3,
                died_at=1e9 + number,
                committed=committed,
            )
            await publisher.dead_letter(delivery, death, budget=10)
            await delivery.ack()
        await consumer.stop()


@pytest.fixture
def shell(amqp_url: str, topology: Topology) -> Operator:
    """Return an operator of this test's installation."""
    return Operator(
        {
            "WXBUS_AMQP_URL": amqp_url,
            "WXBUS_NAMESPACE": topology.namespace,
            "WXBUS_PARTITIONS": str(topology.partitions),
        }
    )


@pytest.fixture
async def operator(shell: Operator, amqp_url: str, topology: Topology) -> Operator:
    """Return an operator with four dead letters: of o_1, o_2, o_1 and an unreadable one."""
    await dead_letter(
        amqp_url,
        topology,
        [
            ("o_1", "reject", "Reject: no stock"),
            ("o_2", "attempts", "KeyError: 'x'"),
            ("o_1", "reject", "Reject: no stock of it"),
        ],
    )
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await (await channel.get_exchange(topology.dead.name)).publish(aio_pika.Message(b"?", message_id="odd"), "")
    return shell


async def test_list_keeps_the_letters(operator: Operator, amqp_url: str, topology: Topology) -> None:
    """Letters are listed in order, repeatedly, and filtered."""
    letters: list[dict[str, Any]] = []
    for _ in range(3):
        letters = await operator.listed()
        assert [letter["openid"] for letter in letters] == ["o_1", "o_2", "o_1", ""]
    assert letters[1] | {"id": ""} == {
        "id": "",
        "kind": "callback",
        "account": "shop",
        "openid": "o_2",
        "lane": "wx1:o_2",
        "received": "2023-11-14 22:13:20",
        "died": "2001-09-09 01:46:41",
        "reason": "attempts",
        "attempts": 3,
        "error": "KeyError: 'x'",
        "trace_id": f"{1:032x}",
        "replayed": False,
        "committed": False,
        "body": "1",
        "traceback": "its traceback",
    }
    for filters, count in (
        (["--openid", "o_1"], 2),
        (["--reason", "attempts"], 1),
        (["--error", "NO STOCK OF"], 1),
        (["--account", "other"], 0),
        (["--since", "2001-09-09T01:46:41", "--until", "2001-09-09T01:46:42"], 1),
        ([letters[0]["id"]], 1),
    ):
        assert len(await operator.listed(*filters)) == count, filters
    listed = await operator.dead("list")
    assert all(f"{letter['id'][:12]} " in listed for letter in letters)
    assert "reject, 3 runs\n    Reject: no stock of it\n" in listed
    assert listed.endswith("4 letters (2 reject, 1 attempts, 1 (no reason))\n")
    await until_dead(amqp_url, topology, 4)


async def test_show_prints_a_letter_with_its_traceback(operator: Operator) -> None:
    """The user's message is printed only on demand."""
    letter = (await operator.listed())[2]
    shown = await operator.dead("show", letter["id"])
    assert "\nits traceback" in shown  # as it was, no cell of a table
    assert "1 bytes, see --body" in shown
    assert "\n2\n" in await operator.dead("show", letter["id"], "--body")
    await operator.dead("show", "missing", code=1)


async def test_a_long_body_is_not_cut(operator: Operator, amqp_url: str, topology: Topology) -> None:
    """In a pipe, with a width of 80 columns, no line is wrapped or cut."""
    body = json.dumps({"Content": "字" * 500}, ensure_ascii=False)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.dead.name)
        await exchange.publish(aio_pika.Message(body.encode(), message_id="long"), "")
    narrow = Operator(operator.env | {"COLUMNS": "80"})
    assert f"\n{body}\n" in await narrow.dead("show", "long", "--body")
    assert [letter["body"] for letter in await narrow.listed("long")] == [body]


async def test_replay_goes_through_the_lane(operator: Operator, amqp_url: str, topology: Topology) -> None:
    """Replays are first attempts, in order, with a new id and a mark; unreadable letters remain."""
    before = await operator.listed()
    assert "replay 4 letters (2 reject, 1 attempts, 1 (no reason))?" in await operator.dead("replay", answer="n\n")
    assert "2 replayed" in await operator.dead("replay", "--openid", "o_1", "--yes")
    replayed = await read_inbox(amqp_url, topology)
    assert [envelope.body for envelope in replayed] == [b"0", b"2"]
    assert all(envelope.replay and envelope.attempt == 1 for envelope in replayed)
    assert not {envelope.id for envelope in replayed} & {letter["id"] for letter in before}
    assert [letter["openid"] for letter in await operator.listed()] == ["o_2", ""]
    assert "1 replayed, 1 unreadable" in await operator.dead("replay", answer="y\n")
    assert [letter["id"] for letter in await operator.listed()] == ["odd"]


async def test_a_replay_of_a_committed_message_keeps_its_dedup_key(
    shell: Operator, amqp_url: str, topology: Topology
) -> None:
    """The letter is marked as committed, and the replay carries the dedup key."""
    await dead_letter(amqp_url, topology, [("o_1", "reject", "Reject: a reply was refused")], committed="0123abcd")
    assert [letter["committed"] for letter in await shell.listed()] == [True]
    assert "1 replayed" in await shell.dead("replay", "--yes")
    [replayed] = await read_inbox(amqp_url, topology)
    assert (replayed.replay, replayed.committed) == (True, "0123abcd")


async def test_many_letters_are_replayed_in_order(shell: Operator, amqp_url: str, topology: Topology) -> None:
    """RabbitMQ mixes returned letters; the order of their deaths is kept."""
    await dead_letter(amqp_url, topology, [("o_1", "attempts", "KeyError: 'x'")] * 25)
    for _ in range(2):
        died = [letter["died"] for letter in await shell.listed()]
        assert died == sorted(died)
    assert "25 replayed" in await shell.dead("replay", "--yes")
    assert [int(envelope.body) for envelope in await read_inbox(amqp_url, topology)] == list(range(25))


async def test_drop_deletes_letters(operator: Operator, amqp_url: str, topology: Topology) -> None:
    """Only selected letters are deleted, after a confirmation."""
    assert "0 dropped" in await operator.dead("drop", answer="n\n")
    assert "3 dropped" in await operator.dead("drop", "--since", "2001-01-01", "--yes")
    assert [letter["id"] for letter in await operator.listed()] == ["odd"]
    assert "1 dropped" in await operator.dead("drop", "od", answer="y\n")
    await until_dead(amqp_url, topology, 0)
    assert "no dead letters" in await operator.dead("list")


async def test_the_command_needs_no_handlers(operator: Operator) -> None:
    """`python -m wxbus_worker dead` works without handlers and their settings, and prints no logs."""
    words = ("replay", "--openid", "o_2", "--yes")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "wxbus_worker", "dead", *words),
        env={**os.environ, **operator.env},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (0, b"1 replayed\n")


async def test_an_unavailable_broker_is_reported(operator: Operator) -> None:
    """The error is one line, with its own exit code."""
    operator.env["WXBUS_AMQP_URL"] = "amqp://guest:hidden@127.0.0.1:1/"
    await operator.dead("list", code=2)
