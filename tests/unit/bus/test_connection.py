"""Connections to RabbitMQ: addresses, errors, cancellation."""

import asyncio
import inspect
import traceback
from types import ModuleType

import aio_pika
import aio_pika.exceptions
import aiormq.exceptions
import pamqp.exceptions
import pytest

from wxbus.bus.amqp.connection import BrokerCall, address, connected
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
    """Return an exception without calling its constructor."""
    exc = kind.__new__(kind)
    exc.args = ("why", "what")
    return exc


@pytest.mark.parametrize("kind", CLIENT_ERRORS)
async def test_every_error_of_the_client_is_translated(kind: type[Exception]) -> None:
    """A new error in a later release of aio-pika, aiormq or pamqp fails here."""
    original = instance_of(kind)

    with pytest.raises(BrokerUnavailable, match=r"^publishing: .") as caught, BrokerCall("publishing"):
        raise original

    assert original is caught.value.__cause__


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, UnreadableEnvelope])
async def test_other_errors_are_not_translated(kind: type[BaseException]) -> None:
    """Faults in the code are not reported as errors of the broker."""
    with pytest.raises(kind), BrokerCall("publishing"):
        raise kind("ours")


async def test_a_cancelled_error_of_the_client_is_translated() -> None:
    """A CancelledError of a future, although the task was not cancelled, means a stuck connection."""
    future = asyncio.get_running_loop().create_future()
    future.set_exception(asyncio.CancelledError())

    with pytest.raises(BrokerUnavailable, match="stuck"), BrokerCall("publishing"):
        await future


async def test_a_cancelled_error_of_the_client_is_translated_during_clean_up() -> None:
    """A task that was cancelled before still distinguishes the client's CancelledError."""
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
    """A cancelled task raises CancelledError."""

    async def publish() -> None:
        with BrokerCall("publishing"):
            await asyncio.Event().wait()

    task = asyncio.create_task(publish())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_swallowed_cancellation_is_raised_again() -> None:
    """A cancelled task ends, even if the client's call returns or fails."""
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


async def test_a_timeout_in_the_block_is_translated() -> None:
    """The outcome is unknown; the task is not marked as cancelled."""
    with pytest.raises(BrokerUnavailable, match="no answer in time"), BrokerCall("publishing"):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_a_connection_closed_in_the_handshake_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aiormq raises StopAsyncIteration then, which a generator would turn into RuntimeError."""

    async def hung_up(_connection: object) -> None:
        raise StopAsyncIteration

    monkeypatch.setattr(aio_pika.Connection, "connect", hung_up)
    with pytest.raises(BrokerUnavailable, match="connecting to RabbitMQ: the connection was closed"):
        async with connected(address("amqp://guest:guest@127.0.0.1/", name="w")):
            pass


def test_the_address_has_name_and_heartbeat() -> None:
    """The operator may choose another heartbeat."""
    assert dict(address("amqp://h/", name="w:consume").query) == {"heartbeat": "10", "name": "w:consume"}
    assert dict(address("amqps://u:p@h:1/v?heartbeat=3", name="w").query) == {"heartbeat": "3", "name": "w"}


@pytest.mark.parametrize(
    "url", ["", "rabbit", "http://user:hunter2@host/", "amqp://", "amqp://user:hunter2@host:port/"]
)
def test_a_wrong_address_is_a_configuration_error(url: str) -> None:
    """The text shows the right form and does not contain the address, which may hold a password."""
    with pytest.raises(ConfigurationError, match="must look like amqp://") as caught:
        address(url, name="w")

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
