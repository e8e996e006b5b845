"""What ingress needs of RabbitMQ; `wxbus.bus.publisher.Publisher` is it."""

from typing import Protocol

from wxbus.bus.ports import Inbox


class Broker(Inbox, Protocol):
    """The inbox behind which RabbitMQ stands, which may be away."""

    async def until_usable(self) -> None:
        """Return when a publish would go out at once."""
        ...

    async def check(self) -> None:
        """Return if a publish would go out now, or raise BrokerUnavailable."""
        ...
