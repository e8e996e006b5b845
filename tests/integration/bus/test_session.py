"""One AMQP session against a real RabbitMQ: set-up, errors, replacement of the connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aio_pika.abc import AbstractConnection

from wxbus.bus.amqp.session import Session
from wxbus.errors import BrokerUnavailable, ConfigurationError

pytestmark = pytest.mark.integration


class SetUp:
    """Raises the given error at the first connection, then yields the number of the connection."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.calls = 0

    @asynccontextmanager
    async def __call__(self, _connection: AbstractConnection) -> AsyncIterator[int]:
        """Set the connection up."""
        self.calls += 1
        if self.calls == 1:
            raise self._error
        yield self.calls


@pytest.mark.parametrize("error", [LookupError("a"), BrokerUnavailable("b"), ConfigurationError("c")])
async def test_a_failed_set_up_is_retried(amqp_url: str, error: Exception) -> None:
    """No error of the set-up ends the session: a fault is logged with its traceback, and the next connection works."""
    session = Session(amqp_url, SetUp(error), name="test")
    with structlog.testing.capture_logs() as logs:
        async with session.running():
            assert await session.ready() == 2
            assert session.connections == 1

    # On a slow machine a connection may take longer than its time-out, and is tried again.
    events = [entry["event"] for entry in logs if not str(entry.get("reason")).startswith("connecting to RabbitMQ")]
    faults = ["rabbitmq.session_failed"] if isinstance(error, LookupError) else []
    assert events == [*faults, "rabbitmq.disconnected", "rabbitmq.connected"]


async def test_a_configuration_error_can_end_the_session(amqp_url: str) -> None:
    """With `fail_on_configuration` it is raised by `run`."""
    session = Session(amqp_url, SetUp(ConfigurationError("other settings")), name="test", fail_on_configuration=True)

    with pytest.raises(ConfigurationError, match="other settings"):
        await session.run()


async def test_an_ended_connection_is_replaced(amqp_url: str) -> None:
    """`end` withdraws the state at once and has the reason; the next connection is set up again."""
    session = Session(amqp_url, SetUp(BrokerUnavailable("first")), name="test")
    async with session.running():
        await session.ready()
        with structlog.testing.capture_logs() as logs:
            session.end("test")
            with pytest.raises(BrokerUnavailable):
                session.current()
            assert await session.ready() == 3

    assert ("rabbitmq.disconnected", "test") in [(entry["event"], entry.get("reason")) for entry in logs]
