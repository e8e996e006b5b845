"""The samples of docs/how-to/handlers.md run, in either language, from the first to the last, as one module."""

import types
from collections.abc import Iterator

import pytest

from tests.support.readme import ROOT, samples_of
from wxbus.wechat import ImageMessage, LocationMessage, Message, TextMessage
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.router import Router

PAGES = ["handlers.md", "handlers.zh-CN.md"]
FIELDS: dict[str, type[Message]] = {
    "pic_url": ImageMessage,
    **dict.fromkeys(("from_user", "to_user", "created_at"), TextMessage),
    **dict.fromkeys(("latitude", "longitude"), LocationMessage),
}
"""Fields whose names the page explains."""


@pytest.fixture(params=PAGES)
def samples(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """The page's Python blocks as one module."""
    with samples_of(ROOT / "docs/how-to" / request.param) as module:
        yield module


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


@pytest.mark.parametrize("page", PAGES)
def test_fields_are_called_as_the_page_says(page: str) -> None:
    """Who knows WeChat's names finds the field."""
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    for field, message in FIELDS.items():
        assert f"`{field}`" in text
        assert f"`{message.model_fields[field].alias}`" in text
