"""The samples of the guide to services work as the page shows."""

import json
import shlex
import sys
import types
from collections.abc import Iterator

import pytest

from tests.support.readme import ROOT, blocks
from wxbus_gateway.testing import ServiceClient

GUIDE = ROOT / "docs/how-to/services.md"


@pytest.fixture
def shop() -> Iterator[types.ModuleType]:
    """Import `shop.py` of the page, with all later samples but the tests."""
    module = sys.modules["shop"] = types.ModuleType("shop")
    for block in blocks(GUIDE, "python"):
        if "import pytest" not in block and "StockService" not in block:
            exec(compile(block, "shop.py", "exec"), vars(module))  # noqa: S102 - our own page
    yield module
    del sys.modules["shop"]


async def test_the_tests_of_the_page_pass(shop: types.ModuleType) -> None:
    """They import `shop.py` of the page."""
    (block,) = (block for block in blocks(GUIDE, "python") if "import pytest" in block)
    tests: dict[str, object] = {}
    exec(compile(block, "test_shop.py", "exec"), tests)  # noqa: S102 - our own page
    assert tests["app"] is shop.app
    found = [value for name, value in tests.items() if name.startswith("test_")]
    assert len(found) == 2
    for test in found:
        await test()  # type: ignore[operator]


async def test_the_answer_is_that_of_the_page(shop: types.ModuleType) -> None:
    """The body of the curl command has the answer below it."""
    (command,) = (block for block in blocks(GUIDE, "sh") if "orders/price" in block)
    words = shlex.split(command)
    (shown,) = blocks(GUIDE, "json")
    async with ServiceClient.open(shop.app) as client:
        service_path = next(word for word in words if word.startswith("http")).partition("/mini/")[2]
        result = await client.call(service_path, **json.loads(words[-1]))
    assert {"result": result, "session": None} == json.loads(shown)


async def test_internal_services_have_the_same_declarations(
    shop: types.ModuleType, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last sample serves a method over HTTP, calls it, and prints what the page says."""
    (block,) = (block for block in blocks(GUIDE, "python") if "StockService" in block)
    exec(compile(block.replace("8090", str(unused_tcp_port)), "stock.py", "exec"), vars(shop))  # noqa: S102 - our own page
    await shop.main()
    printed = capsys.readouterr().out.splitlines()[-1]
    assert f"prints `{printed}`" in GUIDE.read_text()
