"""The command `load`: what it counts as a broken promise, and how it reports it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

from aiohttp import web
from typer.testing import CliRunner

from tests.support.polling import until_read
from tests.support.sandbox import Received, World
from wxbus.wechat import reply
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.load.ledger import Ledger
from wxbus_sandbox.load.report import LoadReport, LoadRequest, Times
from wxbus_sandbox.models import BAD_DAY, Attempt, Outcome, SendResult

Handle: TypeAlias = Callable[[str, str], Awaitable[None]]
"""Handles a text of a user."""


async def loaded(world: World, handle: Handle, **fields: Any) -> LoadReport:
    """Return the report of a load on an ingress that hands each accepted text to `handle`."""

    async def answer(received: Received) -> web.StreamResponse:
        document = received.opened.document
        await handle(str(document["FromUserName"]), str(document["Content"]))
        return web.Response(text="success")

    world.ingress.answers.extend([answer] * 1000)
    request = LoadRequest(**{"rate": 400, "users": 7, "seconds": 0.1, "wait": 0.2, **fields})
    reports = [report async for report in world.control.load(request)]
    world.ingress.answers.clear()
    assert [report.done for report in reports] == [*(False for _ in reports[1:]), True]
    return reports[-1]


async def test_right_replies_break_nothing(world: World) -> None:
    """Each accepted message has its reply; the last report has the times."""
    client = world.client("shop")

    async def echo(user: str, text: str) -> None:
        await client.send(user, reply.Text(f"you wrote {text} (1)"))

    report = await loaded(world, echo, wait=60)
    assert (report.sent, report.accepted, report.replied) == (40, 40, 40)
    assert report.broken == ()
    assert report.answers is not None
    assert report.reply_times is not None
    assert report.answers.p50 <= report.answers.p99 <= report.answers.p999 <= report.answers.max


async def test_lost_and_repeated_replies_are_found(world: World) -> None:
    """Missing replies, a second reply and one to another user each break a promise; a healed refusal breaks none."""
    client = world.client("shop")

    async def nothing(_user: str, _text: str) -> None: ...

    async def twice(user: str, text: str) -> None:
        for _ in range(2):
            await client.send(user, reply.Text(text))

    async def misdirected(_user: str, text: str) -> None:
        await client.send("oOther", reply.Text(text))

    async def refuse(_received: Received) -> web.StreamResponse:
        return web.Response(status=503)

    await world.control.text("shop", "opens the window", openid="oOther")
    assert (await loaded(world, nothing, rate=50)).broken == ("lost replies: 5",)
    assert (await loaded(world, nothing, rate=50, replies=False)).broken == ()
    assert (await loaded(world, twice, rate=20)).repeated == 2
    found = await loaded(world, misdirected, rate=10)
    assert (found.misdirected, found.lost) == (1, 1)
    world.ingress.answers.append(refuse)
    healed = await loaded(world, nothing, rate=10, replies=False)
    assert (healed.refused, healed.accepted, healed.broken) == (1, 1, ())
    world.ingress.answers.extend([refuse] * 3)
    assert (await loaded(world, nothing, rate=10, replies=False)).broken == ("messages lost for WeChat: 1",)


async def test_it_ends_with_its_client(world: World) -> None:
    """A load whose client has gone pushes nothing more."""
    async with aclosing(world.control.load(LoadRequest(rate=50, seconds=3600, replies=False))) as reports:
        assert not (await anext(reports)).done
    while world.sandbox.sent.listeners:  # noqa: ASYNC110 - the handler cannot be awaited
        await asyncio.sleep(0.01)
    await until_read()  # what was on its way
    received = len(world.ingress.received)
    await world.control.text("shop", "hi", openid="oOther")
    assert len(world.ingress.received) == received + 1


def test_order_and_lateness() -> None:
    """A reply after that to a later message is an inversion, unless both messages were under way at the same time."""

    def result(*outcomes: Outcome) -> SendResult:
        attempts = tuple(
            Attempt(status=None if outcome is Outcome.FAILED else 200, body="", ms=5, outcome=outcome)
            for outcome in outcomes
        )
        return SendResult(
            account="shop", openid="o", msg_id="1", time=0, message={}, attempts=attempts, outcome=outcomes[-1]
        )

    for second_pushed_at, inversions in ((2.0, 1), (1.0, 0)):
        ledger = Ledger("load x", expects_replies=True)
        first = ledger.pushed("o", 0.0)
        second = ledger.pushed("o", second_pushed_at)
        ledger.settled(0, result(Outcome.ACKNOWLEDGED), 1.5)
        ledger.settled(1, result(Outcome.FAILED, Outcome.ACKNOWLEDGED), 2.5)
        assert ledger.missing == 2
        ledger.replied("o", f"{second} (1)", 3.0)
        ledger.replied("o", f"{first} (2)", 3.5)
        ledger.replied("o", "load y 1.", 3.6)
        report = ledger.report(4.0, done=True)
        assert (report.inverted, report.late, report.replied, report.lost) == (inversions, 1, 2, 0)
        assert report.broken == (("late answers: 1", "order inversions: 1") if inversions else ("late answers: 1",))
        assert report.reply_times == Times(p50=3500, p99=3500, p999=3500, max=3500)


async def test_the_command_reports(world: World) -> None:
    """The exit code is 1 for a broken promise, and if no reply could be recognised; `--json` prints the report."""

    async def run(*arguments: str) -> tuple[int, str]:
        command = ["load", "--url", world.url, "--rate", "20", "--users", "3", "--seconds", "0.1", *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, cli, command)
        return result.exit_code, result.output

    code, output = await run("--wait", "0")
    assert code == 1
    assert "no reply contains the text" in output.splitlines()[-1]
    code, output = await run("--no-replies", "--mode", "plain")
    assert (code, output.splitlines()[-1]) == (0, "all promises held")
    code, output = await run("--no-replies", "--json")
    assert (code, json.loads(output)["accepted"]) == (0, 2)
    code, output = await run("--account", "keyless")
    assert code == 1
    assert "has no token" in output


def test_what_a_bad_day_does_is_no_broken_promise() -> None:
    """Attempts that the sandbox disturbed are neither late nor refused, and their message is not lost for WeChat."""
    ledger = Ledger("load x", expects_replies=True)
    text = ledger.pushed("o", 0.0)
    disturbed = Attempt(status=None, body="", ms=5, outcome=Outcome.FAILED, reason=f"the answer was lost{BAD_DAY}")
    ledger.settled(
        0,
        SendResult(
            account="shop",
            openid="o",
            msg_id="1",
            time=0,
            message={},
            attempts=(disturbed,) * 3,
            outcome=Outcome.FAILED,
        ),
        1.0,
    )
    ledger.replied("o", text, 2.0)
    report = ledger.report(3.0, done=True)
    assert (report.broken, report.late, report.replied) == ((), 0, 1)


def test_percentiles() -> None:
    """Percentiles are of the sorted times; without times there are none."""
    assert Times.of([]) is None
    assert Times.of([float(n) for n in range(1000, 0, -1)]) == Times(p50=501, p99=991, p999=1000, max=1000)
