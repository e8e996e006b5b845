"""Declares exchanges, queues and bindings; existing ones with the same settings stay as they are."""

from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ChannelPreconditionFailed

from wxbus.bus.amqp.connection import BrokerCall
from wxbus.bus.topology import Queue, Topology
from wxbus.errors import ConfigurationError


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Declare every exchange, queue and binding of `topology`.

    Raises:
        ConfigurationError: An exchange or queue exists with other settings, which cannot be changed; the text names it.
        BrokerUnavailable: The connection was lost.
    """
    with BrokerCall("declaring the topology"):
        channel = await connection.channel(publisher_confirms=False)
        exchanges: set[str] = set()
        for binding in topology.bindings():
            exchange = binding.exchange
            try:
                if exchange.name not in exchanges:
                    exchanges.add(exchange.name)
                    await channel.declare_exchange(exchange.name, exchange.type, durable=True)
                queue = await channel.declare_queue(
                    binding.queue.name, durable=True, arguments=dict(binding.queue.arguments)
                )
            except ChannelPreconditionFailed as exc:
                raise _conflict(f"{exchange.name} or {binding.queue.name}", exc) from exc
            await queue.bind(exchange.name, binding.routing_key)
        await channel.close()


async def declare_queue(connection: AbstractConnection, queue: Queue) -> None:
    """Declare one queue, which the default exchange routes to.

    Raises:
        ConfigurationError: It exists with other settings, which cannot be changed.
        BrokerUnavailable: The connection was lost.
    """
    with BrokerCall(f"declaring {queue.name}"):
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        except ChannelPreconditionFailed as exc:
            raise _conflict(queue.name, exc) from exc
        await channel.close()


def _conflict(name: str, exc: ChannelPreconditionFailed) -> ConfigurationError:
    return ConfigurationError(f"RabbitMQ has {name} with other settings, which cannot be changed: {exc}")
