"""A small service, served over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from tests.support.http import HttpClient, LowLevelServer
from tests.support.rpc import SECRET_TEXT, Echo, Keys, Question, Reply, new_keys
from wxbus.errors import StoreUnavailable, TokenRefused, TokenUnavailable, UnknownAccount
from wxbus.rpc import Server
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.http import build_http

__all__ = ["SECRET_TEXT", "Echo", "Keys", "Question", "Reply"]


@pytest.fixture(autouse=True)
def _patient_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine time to connect."""
    monkeypatch.setattr("wxbus.rpc.transports.http_client.CONNECT_TIMEOUT", 60.0)


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Three callers."""
    return new_keys()


@pytest.fixture
def echo() -> Echo:
    """The service object."""
    return Echo()


@pytest.fixture
def read_timeout() -> float:
    """Seconds for a body; enough for a busy machine."""
    return 20.0


@pytest.fixture
async def http(echo: Echo, keys: Keys, read_timeout: float) -> AsyncIterator[HttpClient]:
    """An HTTP client of the service."""
    server = Server([echo], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    app = build_http(server, body_limit=2000, read_timeout=read_timeout)
    async with HttpClient(LowLevelServer(app)) as client:
        yield client


@pytest.fixture(
    params=[
        (TokenUnavailable("soon", retry_after=2.5), 503, "3"),
        (TokenRefused("errcode 40125", errcode=40125, retry_after=300.0), 503, "300"),
        (StoreUnavailable("redis"), 503, "1"),
        (UnknownAccount("no such appid"), 404, None),
        (ValueError(SECRET_TEXT), 500, None),
    ],
    ids=lambda case: type(case[0]).__name__,
)
def failing(request: pytest.FixtureRequest) -> tuple[Exception, int, str | None]:
    """An error, its status and its `Retry-After`."""
    case: tuple[Exception, int, str | None] = request.param
    return case
