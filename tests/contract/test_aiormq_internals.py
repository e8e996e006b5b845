"""aiormq has the undocumented parts that `wxbus.bus.amqp.aiormq_internals` uses."""

import asyncio
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiormq
import pytest
from aiormq.abc import ChannelFrame
from aiormq.connection import TransportFactory
from yarl import URL

from wxbus.bus.amqp import aiormq_internals
from wxbus.bus.amqp.aiormq_internals import NAMES, VERSION
from wxbus.bus.amqp.connection import connected
from wxbus.errors import BrokerUnavailable

CLASSES = {one.__name__: one for one in (aiormq.Channel, ChannelFrame)}
PYPROJECT = Path(__file__).parents[2] / "shared/pyproject.toml"
ATTRIBUTE = re.compile(r"\b(?:self\._channel|channel)\.([a-z]\w+)")
DOCUMENTED = {"closing", "is_closed"}


@pytest.mark.parametrize(("library", "minor"), [("aiormq", VERSION), ("aio-pika", "10.2")])
def test_the_pinned_version_is_installed(library: str, minor: str) -> None:
    """The names are checked against the minor version that the distribution requires."""
    requirement = re.search(rf'"{library}>=([\d.]+),<([\d.]+)"', PYPROJECT.read_text())

    assert requirement
    major, number = map(int, minor.split("."))
    assert f"{requirement[1]}.".startswith(f"{minor}.")
    assert requirement[2] == f"{major}.{number + 1}"
    assert version(library).startswith(f"{minor}.")


@pytest.mark.parametrize(("name", "attributes"), NAMES.items())
def test_aiormq_has_the_attributes(name: str, attributes: Sequence[str]) -> None:
    """Each attribute is a member, or is assigned in the constructor; an upgrade that drops one fails here."""
    found = set(dir(CLASSES[name]))
    for base in CLASSES[name].__mro__:
        if code := getattr(vars(base).get("__init__"), "__code__", None):
            found.update(code.co_names)
            found.update(code.co_varnames)

    assert set(attributes) <= found


def test_every_attribute_of_a_channel_is_listed() -> None:
    """An attribute of a channel that the module uses is documented by aiormq, or is in `NAMES`."""
    source = Path(aiormq_internals.__file__).read_text()

    assert set(ATTRIBUTE.findall(source)) - DOCUMENTED == set(NAMES["Channel"])


async def test_aio_pika_passes_the_transport_factory_on() -> None:
    """Its constructor does not take it, but aiormq's does: else deliveries would come as tasks."""
    asked: list[str | None] = []

    class Refusing(TransportFactory):
        async def create(self, url: URL, **_kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            asked.append(url.host)
            raise ConnectionRefusedError

    with pytest.raises(BrokerUnavailable):
        async with connected(URL("amqp://rabbitmq.test"), transport=Refusing()):
            pass
    assert asked == ["rabbitmq.test"]
