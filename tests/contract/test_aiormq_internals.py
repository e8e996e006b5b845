"""aiormq has the undocumented parts that `wxbus.bus.amqp.aiormq_internals` uses."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from aiormq import Channel

from wxbus.bus.amqp import aiormq_internals
from wxbus.bus.amqp.aiormq_internals import NAMES, VERSION

PYPROJECT = Path(__file__).parents[2] / "shared/pyproject.toml"
ATTRIBUTE = re.compile(r"\bchannel\.([a-z]\w+)")


@pytest.mark.parametrize(("library", "minor"), [("aiormq", VERSION), ("aio-pika", "10.2")])
def test_the_pinned_version_is_installed(library: str, minor: str) -> None:
    """The names are checked against the minor version that the distribution requires."""
    requirement = re.search(rf'"{library}>=([\d.]+),<([\d.]+)"', PYPROJECT.read_text())

    assert requirement
    major, number = map(int, minor.split("."))
    assert f"{requirement[1]}.".startswith(f"{minor}.")
    assert requirement[2] == f"{major}.{number + 1}"
    assert version(library).startswith(f"{minor}.")


def test_a_channel_has_the_attributes() -> None:
    """Each is a member, or is assigned in the constructor; an upgrade that drops one fails here."""
    found = set(dir(Channel))
    for base in Channel.__mro__:
        if code := getattr(vars(base).get("__init__"), "__code__", None):
            found.update(code.co_names)
            found.update(code.co_varnames)

    assert set(NAMES) <= found


def test_every_attribute_of_a_channel_is_listed() -> None:
    """An attribute of a channel that the module uses is in `NAMES`."""
    source = Path(aiormq_internals.__file__).read_text()

    assert set(ATTRIBUTE.findall(source)) == set(NAMES)
