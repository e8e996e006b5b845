"""Publishes messages and presence of sockets to the users' lanes in RabbitMQ."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from wxbus.bus.ports import Inbox
from wxbus.config.validation import validation_messages
from wxbus.messages.requests import EventRequest
from wxbus.sockets.presence import Connection
from wxbus.sockets.signals import MESSAGE_PREFIX
from wxbus_gateway.sockets.protocol import BadFrame, ClientMessage

BUDGET: Final = 5.0
"""Seconds for one confirm."""


class SocketIntake:
    """Publishes with confirms; a repeated message of the same id is handled once."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def message(self, connection: Connection, message: ClientMessage) -> None:
        """Return when a message is on disk; raises BrokerUnavailable, or BadFrame if no lane accepts the message."""
        try:
            await self._publish(connection, f"{MESSAGE_PREFIX}{message.name}", message.body, f"socket:{message.id}")
        except ValidationError as exc:
            raise BadFrame(validation_messages(exc)) from None

    async def presence(self, connection: Connection, signal: str) -> None:
        """Post that a connection has begun or ended, once; raises BrokerUnavailable."""
        await self._publish(connection, signal, {"connection": connection.id}, f"{signal}:{connection.id}")

    async def _publish(self, connection: Connection, name: str, data: Mapping[str, object], message_id: str) -> None:
        request = EventRequest.model_validate(
            {"account": connection.account, "openid": connection.openid, "id": message_id, "name": name, "data": data}
        )
        envelope = request.envelope(account=connection.account, appid=connection.appid)
        await self._inbox.publish(envelope, budget=BUDGET)
