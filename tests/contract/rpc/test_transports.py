"""The contract of both transports."""

import asyncio

import pytest

from tests.contract.rpc.conftest import Line
from tests.support.rpc import Echo, Question, Reply
from wxbus.errors import RpcFailure, RpcUnavailable, TokenUnavailable
from wxbus.rpc import Client
from wxbus.rpc.codec.formats import standard_formats
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.transports.http import BODY_LIMIT

QUESTION = Question(appid="wx1")
MANY = 80


async def say(client: Client, appid: str = "wx1", *, timeout: float | None = None, attempts: int = 1) -> Reply:
    """Call the service."""
    return await client.bind(Echo, timeout=timeout, attempts=attempts).say(appid=appid, times=2)


async def test_a_call_is_typed(line: Line) -> None:
    """By the declaration, or by name for tools; the method sees the caller."""
    async with line.serve(), line.client() as client:
        assert await say(client) == Reply(text="wx1wx1", caller="full")
        assert await client.call("echo", "say", QUESTION, Reply) == Reply(text="wx1", caller="full")


async def test_text_is_unicode(line: Line) -> None:
    """Any Unicode text arrives unchanged in both directions."""
    text = "订单 \U0001f600 \x00 é"
    async with line.serve(), line.client() as client:
        assert (await say(client, text)).text == text * 2


@pytest.mark.parametrize("serializer", standard_formats(), ids=lambda serializer: type(serializer).__name__)
async def test_every_format_has_the_same_result(line: Line, serializer: Serializer) -> None:
    """Short and long calls (the long ones compressed): the same answers and refusals."""
    async with line.serve(), line.client(serializer=serializer) as client:
        for appid in ("wx1", "订单 <&]]>=+%", "x" * 5000):
            assert await say(client, appid) == Reply(text=appid * 2, caller="full")
        with pytest.raises(RpcFailure, match="422"):
            await client.call("echo", "say", Reply(text="", caller=""), Reply)


async def test_a_decompression_bomb_is_refused(line: Line) -> None:
    """The limit is for the decompressed size."""
    async with line.serve(), line.client() as client:
        with pytest.raises(RpcFailure, match=f"413.*limit is {BODY_LIMIT} bytes"):
            await say(client, " " * 50_000_000)


async def test_calls_are_concurrent(line: Line) -> None:
    """No call waits for another, and each gets its own answer."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client, asyncio.TaskGroup() as group:
        calls = [group.create_task(say(client, f"wx{number}")) for number in range(MANY)]
        while line.echo.running < MANY:
            line.echo.called.clear()
            await line.echo.called.wait()
        line.echo.gate.set()
        assert [(await call).text for call in calls] == [f"wx{number}" * 2 for number in range(MANY)]


async def test_an_error_keeps_its_fields(line: Line) -> None:
    """Status, text and retry time are those of the problem document."""
    line.echo.error = TokenUnavailable("soon", retry_after=77.5)
    async with line.serve(), line.client() as client:
        with pytest.raises(RpcFailure, match="soon") as caught:
            await say(client, attempts=3)
    assert (caught.value.status, caught.value.retry_after) == (503, 77.5)
    assert len(line.echo.calls) == 1, "the retry time is after the deadline"


async def test_attempts_limits_the_calls(line: Line) -> None:
    """An unavailable service is called again, by default not at all; a refused call is not repeated."""
    line.echo.error = TokenUnavailable("soon", retry_after=0.0)
    async with line.serve(), line.client() as client, line.client(line.keys.other) as stranger:
        for caller, attempts, status, calls in ((client, 1, 503, 1), (client, 3, 503, 4), (stranger, 3, 403, 4)):
            with pytest.raises(RpcFailure, match=str(status)):
                await say(caller, attempts=attempts)
            assert len(line.echo.calls) == calls


@pytest.mark.parametrize(
    ("key", "method", "question", "status"),
    [
        ("wxb_000000000000_" + "A" * 43, "say", QUESTION, 401),
        ("one", "say", Question(appid="wx2"), 403),
        ("full", "unmarked", QUESTION, 404),
        ("full", "say", Question(appid="x" * BODY_LIMIT), 413),
        ("full", "say", Reply(text="", caller=""), 422),
    ],
)
async def test_refusals(line: Line, key: str, method: str, question: Question | Reply, status: int) -> None:
    """Both transports have the same checks: refused calls reach no method."""
    async with line.serve(), line.client(getattr(line.keys, key, key)) as client:
        with pytest.raises(RpcFailure) as caught:
            await client.call("echo", method, question, Reply)
    assert caught.value.status == status
    assert not line.echo.calls


async def test_the_deadline_is_the_callers(line: Line) -> None:
    """A hanging call times out; the next call succeeds."""
    async with line.serve(), line.client() as client:
        await say(client)  # it is connected
        line.echo.gate.clear()
        with pytest.raises(RpcUnavailable, match="no answer in time"):
            await say(client, timeout=0.3)
        line.echo.gate.set()
        assert (await say(client)).text == "wx1wx1"


async def test_a_service_may_start_later_and_restart(line: Line) -> None:
    """The client returns an error while the service is down, and an answer when it is up."""
    async with line.client() as client:
        with pytest.raises(RpcUnavailable):
            await say(client, timeout=0.3)
        for _ in range(2):
            async with line.serve():
                assert (await say(client)).text == "wx1wx1"
            with pytest.raises(RpcUnavailable):
                await say(client, timeout=0.3)


async def test_a_stopping_service_finishes_its_calls(line: Line) -> None:
    """A call that runs when the service stops is still answered, so a deployment loses no answer."""
    line.echo.gate.clear()
    async with line.client() as client:
        async with line.serve():
            call = asyncio.create_task(say(client))
            await line.echo.called.wait()
            asyncio.get_running_loop().call_later(0.05, line.echo.gate.set)
        assert (await call).text == "wx1wx1"


async def test_a_lost_connection_fails_at_once_and_is_reopened(line: Line) -> None:
    """Calls in flight fail before their deadline; the same client works afterwards."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client:
        call = asyncio.create_task(say(client, timeout=1e6))
        await line.echo.called.wait()
        line.proxy.abort()
        with pytest.raises(RpcUnavailable) as caught:
            await call
        assert line.keys.full not in repr(caught.value)
        line.echo.gate.set()
        assert (await say(client, attempts=5)).text == "wx1wx1"


async def test_a_cancelled_call_affects_no_other(line: Line) -> None:
    """After a caller was cancelled, the same client makes other calls."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client:
        call = asyncio.create_task(say(client))
        await line.echo.called.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        line.echo.gate.set()
        assert (await say(client)).text == "wx1wx1"
