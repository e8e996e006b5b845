"""The samples of the page about RPC work as the page shows."""

import types
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from tests.support.http import HttpClient, LowLevelServer
from tests.support.readme import ROOT, samples_of
from wxbus.errors import RpcFailure
from wxbus.rpc import Server
from wxbus.rpc.auth.keys import ApiKeys, new_key
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.http import build_http

ADDRESS = '"http://points:8081"'


@pytest.fixture
def page() -> Iterator[types.ModuleType]:
    """The samples of the page in one module, with the address of the service as a variable."""
    with samples_of(ROOT / "docs/reference/rpc.md", {ADDRESS: "ADDRESS"}) as module:
        yield module


async def test_the_service_of_the_page_is_called(page: types.ModuleType) -> None:
    """A caller with the scope gets the implementation's answer; what the method calls reads the stage's feature."""
    tenants = []

    class Stored(dict[str, int]):
        def __getitem__(self, account: str) -> int:
            tenants.append(page.tenant().name)
            return super().__getitem__(account)

    key, entry = new_key("till", ["points:read:shop"])
    access, points = ApiKeyAccess(ApiKeys.of([entry])), page.StoredPoints(Stored(shop=12))
    server = Server([points], access=access, stages=[page.find_tenant], registry=CollectorRegistry())
    async with HttpClient(LowLevelServer(build_http(server))) as http:
        vars(page)["ADDRESS"] = str(http.make_url("/"))
        assert await page.points_of("shop", key) == 12
        with pytest.raises(RpcFailure, match="403"):
            await page.points_of("cafe", key)
    assert tenants == ["till"]
