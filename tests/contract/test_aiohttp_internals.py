"""aiohttp has the private parts that `wxbus.runtime.aiohttp_internals` uses."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.http_writer import StreamWriter

from wxbus.runtime import aiohttp_internals
from wxbus.runtime.aiohttp_internals import NAMES, VERSION

CLASSES = {one.__name__: one for one in (web.RequestHandler, web.BaseRequest, web.Server, web.AppRunner, StreamWriter)}
SOURCES = Path(__file__).parents[2]
PRIVATE = re.compile(r"\b(?:self|super\(\)|request|server|message)\.(_[a-z]\w+)")


def test_the_pinned_version_is_installed() -> None:
    """The names are checked against the minor version that the distribution requires."""
    requirement = re.search(r'"aiohttp>=([\d.]+),<([\d.]+)"', (SOURCES / "shared/pyproject.toml").read_text())

    assert requirement
    assert requirement[1].startswith(f"{VERSION}.")
    assert aiohttp.__version__.startswith(f"{VERSION}.")


@pytest.mark.parametrize(("name", "attributes"), NAMES.items())
def test_aiohttp_has_the_attributes(name: str, attributes: Sequence[str]) -> None:
    """Each attribute is a member, or is assigned in the class; an upgrade that drops one fails here."""
    found = set(dir(CLASSES[name]))
    for base in CLASSES[name].__mro__:
        found.update(getattr(base, "__slots__", ()))
        if inspect.isfunction(init := vars(base).get("__init__")):
            found.update(init.__code__.co_names)

    assert set(attributes) <= found


def test_every_private_attribute_is_listed() -> None:
    """A private attribute that the module uses and does not define itself is in `NAMES`."""
    source = Path(aiohttp_internals.__file__).read_text()
    defined = set(re.findall(r"def (_[a-z]\w+)", source))

    assert set(PRIVATE.findall(source)) - defined - {"_replace"} <= {name for names in NAMES.values() for name in names}
