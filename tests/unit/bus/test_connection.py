import asyncio
import inspect
import traceback
from types import ModuleType

import aio_pika
import aio_pika.exceptions
import aiormq.exceptions
import pamqp.exceptions
import pytest

from wxbus.bus.connection import BrokerCall, address, connected
from wxbus.errors import BrokerUnavailable, ConfigurationError, UnreadableEnvelope


def errors_of(module: ModuleType) -> list[type[Exception]]:
    """Return every exception that a module of the client defines or passes on."""
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]


CLIENT_ERRORS = sorted(
    {
        *errors_of(aiormq.exceptions),
        *errors_of(aio_pika.exceptions),
        *errors_of(pamqp.exceptions),
        ConnectionResetError,
        OSError,
        StopAsyncIteration,
        TimeoutError,
        asyncio.TimeoutError,
        Exception,
    },
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


def instance_of(kind: type[BaseException]) -> BaseException:
    """Return an exception whatever its constructor wants."""
    exc = kind.__new__(kind)
    exc.args = ("why", "what")
    return exc


@pytest.mark.parametrize("kind", CLIENT_ERRORS)
async def test_every_error_of_the_client_is_translated(kind: type[Exception]) -> None:
    """No error of aio-pika, aiormq or pamqp leaves the bus; a new one in a later release fails here."""
    original = instance_of(kind)

    with pytest.raises(BrokerUnavailable, match=r"^publishing: .") as caught, BrokerCall("publishing"):
        raise original

    assert original is caught.value.__cause__


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, UnreadableEnvelope])
async def test_other_errors_are_not_hidden(kind: type[BaseException]) -> None:
    """A bug of ours or a decision of ours is not dressed up as the broker's fault."""
    with pytest.raises(kind), BrokerCall("publishing"):
        raise kind("ours")


async def test_a_cancellation_from_inside_is_an_unknown_outcome() -> None:
    """A CancelledError that a future carries, though nobody cancelled the task, is the connection's end."""
    future = asyncio.get_running_loop().create_future()
    future.set_exception(asyncio.CancelledError())

    with pytest.raises(BrokerUnavailable, match="stuck"), BrokerCall("publishing"):
        await future


async def test_a_cancellation_from_inside_a_cancelled_task_is_still_one() -> None:
    """Cleaning up after a real cancellation, a task still tells the broker's cancellation from its own."""
    outcome: list[Exception] = []

    async def publish_while_ending() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(asyncio.CancelledError())
            try:
                with BrokerCall("publishing"):
                    await future
            except BrokerUnavailable as exc:
                outcome.append(exc)

    task = asyncio.create_task(publish_while_ending())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(outcome) == 1


async def test_a_real_cancellation_passes() -> None:
    """Who cancels the task gets a CancelledError out of it."""

    async def publish() -> None:
        with BrokerCall("publishing"):
            await asyncio.Event().wait()

    task = asyncio.create_task(publish())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_swallowed_cancellation_is_raised_again() -> None:
    """A task that was cancelled ends, although the client's call returned or failed as if nothing had been."""
    for error in (None, OSError("closed")):

        async def call(error: Exception | None = error) -> None:
            with BrokerCall("declaring"):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if error:
                        raise error from None

        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_deadline_inside_is_a_timeout() -> None:
    """A deadline that expires in the block is an unknown outcome, and leaves no cancellation behind."""
    with pytest.raises(BrokerUnavailable, match="no answer in time"), BrokerCall("publishing"):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_a_broker_that_hangs_up_in_the_handshake_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then aiormq raises what no generator lets through; a worker died of it."""

    async def hung_up(_connection: object) -> None:
        raise StopAsyncIteration

    monkeypatch.setattr(aio_pika.Connection, "connect", hung_up)
    with pytest.raises(BrokerUnavailable, match="connecting to RabbitMQ: the connection was closed"):
        async with connected(address("amqp://guest:guest@127.0.0.1/", name="w")):
            pass


def test_the_address_carries_name_and_heartbeat() -> None:
    """A connection is named in RabbitMQ's lists and has our heartbeat, unless the operator chose one."""
    assert dict(address("amqp://h/", name="w:consume").query) == {"heartbeat": "10", "name": "w:consume"}
    assert dict(address("amqps://u:p@h:1/v?heartbeat=3", name="w").query) == {"heartbeat": "3", "name": "w"}


@pytest.mark.parametrize(
    "url", ["", "rabbit", "http://user:hunter2@host/", "amqp://", "amqp://user:hunter2@host:port/"]
)
def test_a_wrong_address_is_refused_without_repeating_it(url: str) -> None:
    """What is no AMQP address is a configuration error that shows how one looks, and no password."""
    with pytest.raises(ConfigurationError, match="must look like amqp://") as caught:
        address(url, name="w")

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
