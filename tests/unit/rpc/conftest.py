"""A small service, served over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict

from wxbus.errors import StoreUnavailable, TokenRefused, TokenUnavailable, UnknownAccount
from wxbus.rpc import Server, method, service
from wxbus.rpc.call import current_call
from wxbus.rpc.http import build_http
from wxbus.rpc.keys import ApiKeys, KeyEntry, new_key

SECRET_TEXT = "hunter2-hunter2"


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    appid: str
    times: int = 1


class Reply(BaseModel):
    text: str
    caller: str


@service("echo")
class Echo:
    """What the tests call."""

    def __init__(self) -> None:
        self.calls: list[Question] = []
        self.error: Exception | None = None

    @method(scopes=["echo:say:{appid}"])
    async def say(self, request: Question) -> Reply:
        """Say who called."""
        self.calls.append(request)
        if self.error:
            raise self.error
        principal = current_call().principal
        return Reply(text=request.appid * request.times, caller=principal.name if principal else "")

    async def unmarked(self, request: Question) -> Reply:
        """Public in Python, and yet not for callers."""
        raise AssertionError(f"called with {request}")


@dataclass
class Keys:
    """Keys of callers with different scopes."""

    full: str = ""
    one: str = ""
    other: str = ""
    entries: list[KeyEntry] = field(default_factory=list)


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Three callers: may call for every appid, for `wx1` alone, may call something else."""
    made = Keys()
    for name, scope in (("full", "echo:say:*"), ("one", "echo:say:wx1"), ("other", "token:get:*")):
        key, entry = new_key(name, [scope])
        setattr(made, name, key)
        made.entries.append(entry)
    return made


@pytest.fixture
def echo() -> Echo:
    """The service object."""
    return Echo()


@pytest.fixture
async def http(echo: Echo, keys: Keys) -> AsyncIterator[TestClient]:
    """A raw HTTP client of the service."""
    server = Server([echo], authenticator=ApiKeys.of(keys.entries), registry=CollectorRegistry())
    app = build_http(server, body_limit=2000, read_timeout=0.2)
    async with TestClient(TestServer(app)) as client:
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
    """An error, and how it must be answered."""
    case: tuple[Exception, int, str | None] = request.param
    return case
