"""The samples of docs/handlers.md run, in either language, from the first to the last, as one module."""

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from wxbus_worker.route_table import RouteTable
from wxbus_worker.router import Router

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ["handlers.md", "handlers.zh-CN.md"]


@pytest.fixture(params=PAGES)
def samples(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """The page's Python blocks as one module."""
    text = (DOCS / request.param).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    module = types.ModuleType(f"samples_of_{request.param}")
    sys.modules[module.__name__] = module  # where annotations are looked up
    exec(compile("\n".join(blocks), request.param, "exec"), vars(module))  # noqa: S102 - our own page
    yield module
    del sys.modules[module.__name__]


async def test_the_samples_tests_pass(samples: types.ModuleType) -> None:
    """What the page asserts is true."""
    tests = [value for name, value in vars(samples).items() if name.startswith("test_")]
    assert len(tests) >= 2
    for test in tests:
        await test()


def test_every_router_can_be_run(samples: types.ModuleType) -> None:
    """All handlers are registered and can be called with what they name."""
    routers = [value for value in vars(samples).values() if isinstance(value, Router)]
    assert len(routers) >= 3
    assert all(len(RouteTable(router)) for router in routers)
