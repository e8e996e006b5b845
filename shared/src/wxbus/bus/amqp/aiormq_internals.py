"""All undocumented parts of aiormq that wxbus uses.

`shared/pyproject.toml` pins aiormq to the minor version `VERSION`. `tests/contract/test_aiormq_internals.py` checks
that the names in `NAMES` exist, so an upgrade that removes one fails there.
"""

from typing import Final

from aiormq import Channel

VERSION: Final = "7.2"
NAMES: Final = ("connection", "max_content_size", "number")
"""Attributes of a channel."""


def number_of(channel: Channel) -> int:
    """Return the number of a channel in the frames of its connection."""
    return channel.number


def content_limit(channel: Channel) -> int:
    """Return the bytes that one frame of a body may have."""
    return channel.max_content_size


async def until_unblocked(channel: Channel) -> None:
    """Return when RabbitMQ does not block publishers because of an alarm; aio-pika has no event for it."""
    await channel.connection.ready()
