"""What a caller may rely on, whichever way the call goes."""

import asyncio

import pytest

from tests.contract.rpc.conftest import Line
from tests.support.rpc import Question, Reply
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable, TokenUnavailable
from wxbus.rpc import Client
from wxbus.rpc.codec.formats import standard_formats
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.transports.http import BODY_LIMIT

QUESTION = Question(appid="wx1")
MANY = 80


async def say(client: Client, question: Question = QUESTION, *, timeout: float | None = None) -> Reply:
    """Call the service."""
    return await client.call("echo", "say", question, Reply, timeout=timeout)


async def test_a_call_is_typed(line: Line) -> None:
    """Models go in and come out; the method knows who called."""
    async with line.serve(), line.client() as client:
        assert await say(client, Question(appid="wx1", times=2)) == Reply(text="wx1wx1", caller="full")


async def test_text_is_unicode(line: Line) -> None:
    """What a follower typed arrives as it was."""
    text = "订单 \U0001f600 \x00 é"
    async with line.serve(), line.client() as client:
        assert (await say(client, Question(appid=text))).text == text


@pytest.mark.parametrize("serializer", standard_formats(), ids=lambda serializer: type(serializer).__name__)
async def test_every_format_says_the_same(line: Line, serializer: Serializer) -> None:
    """A call in each format, short and long (then compressed both ways): the same models, the same refusals."""
    async with line.serve(), line.client(serializer=serializer) as client:
        for appid in ("wx1", "订单 <&]]>=+%", "x" * 5000):
            assert await say(client, Question(appid=appid, times=2)) == Reply(text=appid * 2, caller="full")
        with pytest.raises(RpcFailure, match="422"):
            await client.call("echo", "say", Reply(text="", caller=""), Reply)


async def test_a_bomb_is_refused_before_it_goes_off(line: Line) -> None:
    """The limit holds for what gzip inflates to."""
    async with line.serve(), line.client() as client:
        with pytest.raises(RpcFailure, match=f"413.*limit is {BODY_LIMIT} bytes"):
            await say(client, Question(appid=" " * 50_000_000))


async def test_many_calls_are_in_flight(line: Line) -> None:
    """No call waits for another, and each gets its own answer."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client, asyncio.TaskGroup() as group:
        calls = [group.create_task(say(client, Question(appid=f"wx{number}"))) for number in range(MANY)]
        while line.echo.running < MANY:
            line.echo.called.clear()
            await line.echo.called.wait()
        line.echo.gate.set()
        assert [(await call).text for call in calls] == [f"wx{number}" for number in range(MANY)]


async def test_an_error_comes_through(line: Line) -> None:
    """Status, text and waiting time are those of the problem document."""
    line.echo.error = TokenUnavailable("soon", retry_after=77.5)
    async with line.serve(), line.client() as client:
        with pytest.raises(RpcFailure, match="soon") as caught:
            await say(client)
    assert (caught.value.status, caught.value.retry_after) == (503, 77.5)


async def test_a_foreseen_error_is_repeated_as_often_as_allowed(line: Line) -> None:
    """An unavailable service is asked again, a refusal is not."""
    line.echo.error = TokenUnavailable("soon", retry_after=0.0)
    async with line.serve(), line.client() as client, line.client(line.keys.other) as stranger:
        with pytest.raises(RpcFailure, match="soon"):
            await client.call("echo", "say", QUESTION, Reply, attempts=3)
        assert len(line.echo.calls) == 3
        with pytest.raises(RpcFailure, match="403"):
            await stranger.call("echo", "say", QUESTION, Reply, attempts=3)
        assert len(line.echo.calls) == 3


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
    """The same pipeline stands behind both transports: who may not, or sends what does not fit, reaches no method."""
    async with line.serve(), line.client(getattr(line.keys, key, key)) as client:
        with pytest.raises(RpcFailure) as caught:
            await client.call("echo", method, question, Reply)
    assert caught.value.status == status
    assert not line.echo.calls


async def test_the_deadline_is_the_callers(line: Line) -> None:
    """A service that hangs is given up; the next call is served."""
    async with line.serve(), line.client() as client:
        await say(client)  # it is connected
        line.echo.gate.clear()
        with pytest.raises(RpcUnavailable, match="no answer in time"):
            await say(client, timeout=0.3)
        line.echo.gate.set()
        assert (await say(client)).text == "wx1"


async def test_a_service_may_come_later_and_go_and_come_back(line: Line) -> None:
    """The client outlives the service: an error while it is away, an answer when it is back."""
    async with line.client() as client:
        with pytest.raises(RpcUnavailable):
            await say(client, timeout=0.3)
        for _ in range(2):
            async with line.serve():
                assert (await say(client)).text == "wx1"
            with pytest.raises(RpcUnavailable):
                await say(client, timeout=0.3)


async def test_a_service_that_stops_ends_what_it_began(line: Line) -> None:
    """A deployment costs no caller its answer."""
    line.echo.gate.clear()
    async with line.client() as client:
        async with line.serve():
            call = asyncio.create_task(say(client))
            await line.echo.called.wait()
            asyncio.get_running_loop().call_later(0.05, line.echo.gate.set)
        assert (await call).text == "wx1"


async def test_a_lost_connection_is_told_at_once_and_made_again(line: Line) -> None:
    """What is in flight ends with an error and not with the deadline; the same client goes on afterwards."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client:
        call = asyncio.create_task(say(client, timeout=1e6))
        await line.echo.called.wait()
        line.proxy.abort()
        with pytest.raises(RpcUnavailable) as caught:
            await call
        assert line.keys.full not in repr(caught.value)
        line.echo.gate.set()
        assert (await client.call("echo", "say", QUESTION, Reply, attempts=5)).text == "wx1"


async def test_a_caller_that_gives_up_leaves_nothing_behind(line: Line) -> None:
    """A cancelled call harms no other."""
    line.echo.gate.clear()
    async with line.serve(), line.client() as client:
        call = asyncio.create_task(say(client))
        await line.echo.called.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        line.echo.gate.set()
        assert (await say(client)).text == "wx1"


async def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(line: Line) -> None:
    """A key with a line end from a file is a clear error at the start."""
    with pytest.raises(ConfigurationError, match="printable") as caught:
        async with line.client("secret\n"):
            raise AssertionError
    assert "secret" not in str(caught.value)
