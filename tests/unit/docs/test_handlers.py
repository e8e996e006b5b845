"""The samples of docs/how-to/handlers.md run as one module, in both languages."""

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
"""Models whose field names the page explains."""


@pytest.fixture(params=PAGES)
def samples(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Return the Python blocks of the page as one module."""
    with samples_of(ROOT / "docs/how-to" / request.param) as module:
        yield module


async def test_the_tests_in_the_samples_pass(samples: types.ModuleType) -> None:
    """The tests in the samples pass."""
    tests = [value for name, value in vars(samples).items() if name.startswith("test_")]
    assert len(tests) >= 2
    for test in tests:
        await test()


def test_every_router_of_the_samples_is_valid(samples: types.ModuleType) -> None:
    """All handlers of the samples register, and their parameters can be injected."""
    routers = [value for value in vars(samples).values() if isinstance(value, Router)]
    assert len(routers) >= 3
    assert all(len(RouteTable(router)) for router in routers)


@pytest.mark.parametrize("page", PAGES)
def test_field_names_follow_the_stated_rule(page: str) -> None:
    """Field names follow the rule that the page states for WeChat's names."""
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    for field, message in FIELDS.items():
        assert f"`{field}`" in text
        assert f"`{message.model_fields[field].alias}`" in text
