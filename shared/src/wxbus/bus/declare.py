"""Declares the topology: what is there already with the same settings stays as it is."""

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelPreconditionFailed

from wxbus.bus.connection import BrokerCall
from wxbus.bus.topology import Queue, Topology
from wxbus.errors import ConfigurationError


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Make every exchange, queue and binding of `topology` exist.

    Raises:
        ConfigurationError: One is there with other settings, which cannot be changed; the text names it.
        BrokerUnavailable: The connection was lost.
    """
    with BrokerCall("declaring the topology"):
        channel = await connection.channel(publisher_confirms=False)
        exchanges: set[str] = set()
        for binding in topology.bindings():
            exchange, queue = binding.exchange, binding.queue
            try:
                if exchange.name not in exchanges:
                    exchanges.add(exchange.name)
                    await channel.exchange_declare(exchange.name, exchange_type=exchange.type, durable=True)
                await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
            except ChannelPreconditionFailed as exc:
                raise ConfigurationError(
                    f"RabbitMQ has {exchange.name} or {queue.name} with other settings, which cannot be changed: {exc}"
                ) from exc
            await channel.queue_bind(queue.name, exchange.name, binding.routing_key)
        await channel.close()


async def declare_queue(connection: AbstractConnection, queue: Queue) -> None:
    """Make one queue exist, reached by the default exchange.

    Raises:
        ConfigurationError: It is there with other settings, which cannot be changed.
        BrokerUnavailable: The connection was lost.
    """
    with BrokerCall(f"declaring {queue.name}"):
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        except ChannelPreconditionFailed as exc:
            raise ConfigurationError(
                f"RabbitMQ has {queue.name} with other settings, which cannot be changed: {exc}"
            ) from exc
        await channel.close()
