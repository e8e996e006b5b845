"""TokenClient."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.clock import Clock
from wxbus.errors import RpcFailure, RpcUnavailable, TokenRefused, TokenUnavailable
from wxbus.rpc import Client
from wxbus.rpc.codec import problems
from wxbus.tokens import TokenClient
from wxbus.tokens.cache import FRESH_FOR, LAST_HOLD_OFF, STALE_AFTER
from wxbus.tokens.messages import (
    AuthorizationRequest,
    CredentialAnswer,
    CredentialRequest,
    PreAuthCode,
    ReportCredentialRequest,
    ReportInvalidRequest,
    TicketDelivery,
    TokenAnswer,
    TokenRequest,
)

APPID = "wx1"


class Service(Client):
    """Answers in place of the token service, and records the calls."""

    def __init__(self) -> None:
        self.current = "T1"
        self.expires_in = 7200.0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []

    async def call(self, service: str, method: str, request: BaseModel, answer: type[Any], **_: Any) -> Any:
        """Answer as the token service would."""
        assert (service, isinstance(request, TokenRequest)) == ("token", True)
        self.asked.append(f"{method} {request.kind}" if isinstance(request, CredentialRequest) else method)
        answered = self.current
        await self.gate.wait()
        if self.error:
            raise self.error
        if answer is CredentialAnswer:
            return CredentialAnswer(value=answered, expires_in=self.expires_in)
        return answer(access_token=answered, expires_in=self.expires_in)


@pytest.fixture
def service() -> Service:
    """The service."""
    return Service()


@pytest.fixture
def clock() -> Clock:
    """The client's clock."""
    return Clock()


@pytest.fixture
async def tokens(service: Service, clock: Clock) -> AsyncIterator[TokenClient]:
    """The client in test."""
    client = TokenClient(service, clock=clock)
    yield client
    await client.aclose()


async def idle() -> None:
    """Run everything that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_concurrent_calls_are_joined(tokens: TokenClient, service: Service) -> None:
    """Later calls are served from the cache."""
    assert await asyncio.gather(*(tokens.get(APPID) for _ in range(100))) == ["T1"] * 100
    assert await tokens.get(APPID) == "T1"
    assert service.asked == ["get"]


async def test_accounts_do_not_share_a_token(tokens: TokenClient, service: Service) -> None:
    """The cache is per appid."""
    assert await tokens.get("wx1") == "T1"
    service.current = "T2"
    assert await tokens.get("wx2") == "T2"
    assert await tokens.get("wx1") == "T1"


async def test_a_cancelled_caller_does_not_cancel_the_others(tokens: TokenClient, service: Service) -> None:
    """The joined call continues for them."""
    service.gate.clear()
    first, second = asyncio.create_task(tokens.get(APPID)), asyncio.create_task(tokens.get(APPID))
    await idle()
    first.cancel()
    service.gate.set()
    assert await second == "T1"
    assert service.asked == ["get"]


async def test_a_token_is_refreshed_in_the_background(tokens: TokenClient, service: Service, clock: Clock) -> None:
    """After a minute the cached token is returned at once, and the next caller gets the new one."""
    await tokens.get(APPID)
    service.current, clock.now = "T2", clock.now + FRESH_FOR
    service.gate.clear()
    assert await tokens.get(APPID) == "T1"
    await idle()
    service.gate.set()
    await idle()
    assert await tokens.get(APPID) == "T2"
    assert len(service.asked) == 2


async def test_a_stale_token_is_refreshed_first(tokens: TokenClient, service: Service, clock: Clock) -> None:
    """While the service answers, a token is never older than WeChat's overlap."""
    await tokens.get(APPID)
    service.current, clock.now = "T2", clock.now + STALE_AFTER
    assert await tokens.get(APPID) == "T2"


@pytest.mark.parametrize(
    "error", [RpcUnavailable("away"), RpcFailure(503, "Unavailable"), RpcFailure(500, "x"), RpcFailure(401, "key")]
)
async def test_a_cached_token_is_used_while_the_service_fails(
    tokens: TokenClient, service: Service, clock: Clock, error: Exception
) -> None:
    """Until it expires; the service is called at growing intervals. After that: TokenUnavailable."""
    await tokens.get(APPID)
    expires = clock.now + service.expires_in
    service.error = error
    while clock.now + 1 < expires:
        clock.now += 1
        assert await tokens.get(APPID) == "T1"
        await idle()
    assert len(service.asked) < 2 * service.expires_in / LAST_HOLD_OFF
    clock.now += 1
    with pytest.raises(TokenUnavailable):
        await tokens.get(APPID)


async def test_the_service_recovers(tokens: TokenClient, service: Service, clock: Clock) -> None:
    """It is called again after the interval, and its answer is used."""
    await tokens.get(APPID)
    service.error, clock.now = RpcUnavailable("away"), clock.now + STALE_AFTER
    assert await tokens.get(APPID) == "T1"
    service.error, service.current = None, "T2"
    assert await tokens.get(APPID) == "T1", "not asked again at once"
    clock.now += LAST_HOLD_OFF
    assert await tokens.get(APPID) == "T2"


async def test_concurrent_reports_are_joined(tokens: TokenClient, service: Service) -> None:
    """A hundred failed calls with one token are one report; all get the new token."""
    await tokens.get(APPID)
    service.current = "T2"
    assert await asyncio.gather(*(tokens.report_invalid(APPID, "T1") for _ in range(100))) == ["T2"] * 100
    assert await tokens.get(APPID) == "T2"
    assert await tokens.report_invalid(APPID, "T1") == "T2", "a late report of the old token"
    assert service.asked == ["get", "report_invalid"]


async def test_a_reported_token_is_not_returned_unchecked(tokens: TokenClient, service: Service) -> None:
    """Neither from the cache nor from a late answer, until the service has answered the report."""
    await tokens.get(APPID)
    service.error = RpcUnavailable("away")
    for call in (tokens.report_invalid(APPID, "T1"), tokens.get(APPID)):
        with pytest.raises(TokenUnavailable):
            await call
    service.error = None
    service.gate.clear()
    late = asyncio.create_task(tokens.get(APPID))
    await idle()
    service.current = "T2"
    service.gate.set()
    assert await late == "T2"
    assert await tokens.get(APPID) == "T2"


async def test_a_reported_token_that_wechat_accepts_stays_in_use(tokens: TokenClient, service: Service) -> None:
    """The service answers the report with the same token after it has asked WeChat."""
    await tokens.get(APPID)
    assert await tokens.report_invalid(APPID, "T1") == "T1"
    assert await tokens.get(APPID) == "T1"
    assert service.asked == ["get", "report_invalid", "get"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (RpcFailure(503, "x", retry_after=9.0), TokenUnavailable),
        (RpcFailure(503, "x", type_uri=problems.REFUSED, retry_after=9.0), TokenRefused),
        (RpcFailure(503, "x", type_uri=f"{problems.REFUSED}:wrong_secret", retry_after=9.0), TokenRefused),
        (RpcFailure(401, "x", retry_after=9.0), TokenRefused),
        (RpcFailure(403, "x", retry_after=9.0), TokenRefused),
        (RpcFailure(404, "x", retry_after=9.0), TokenRefused),
        (RpcFailure(429, "x", retry_after=9.0), TokenUnavailable),
        (RpcFailure(500, "x", retry_after=9.0), TokenUnavailable),
    ],
)
async def test_failures_are_temporary_or_final(
    tokens: TokenClient, service: Service, failure: RpcFailure, kind: type[Exception]
) -> None:
    """Two errors, both with the time to wait."""
    service.error = failure
    with pytest.raises(TokenUnavailable) as caught:
        await tokens.get(APPID)
    assert type(caught.value) is kind
    assert caught.value.retry_after == 9.0


async def test_a_refusal_has_a_state(tokens: TokenClient, service: Service) -> None:
    """Programs can tell a wrong secret from an address that is not allowed."""
    service.error = RpcFailure(503, "x", type_uri=f"{problems.REFUSED}:wrong_secret")
    with pytest.raises(TokenRefused) as caught:
        await tokens.get(APPID)
    assert caught.value.state == "wrong_secret"


async def test_kinds_do_not_share_a_value(tokens: TokenClient, service: Service) -> None:
    """Each kind is requested, cached and joined separately."""
    assert await tokens.get(APPID) == "T1"
    service.current = "TICKET"
    assert await asyncio.gather(*(tokens.get_ticket(APPID) for _ in range(100))) == ["TICKET"] * 100
    service.current = "CARD"
    assert await tokens.get_ticket(APPID, "wx_card_ticket") == "CARD"
    service.current = "PLATFORM"
    assert await tokens.get_component_token(APPID) == "PLATFORM"
    assert [await tokens.get(APPID), await tokens.get_ticket(APPID)] == ["T1", "TICKET"]
    assert service.asked == [
        "get",
        "get_credential jsapi_ticket",
        "get_credential wx_card_ticket",
        "get_credential component_access_token",
    ]


async def test_a_reported_ticket_that_is_valid_stays_in_use(tokens: TokenClient, service: Service) -> None:
    """A reported ticket that is still valid stays in use, like a token."""
    ticket = await tokens.get_ticket(APPID)
    assert await tokens.report_ticket(APPID, ticket) == ticket
    assert await tokens.get_ticket(APPID) == ticket
    service.current = "T2"
    assert await tokens.report_component_token(APPID, "T1") == "T2"
    assert service.asked[1] == "report_credential jsapi_ticket"


@pytest.mark.parametrize("age", [FRESH_FOR, STALE_AFTER])
async def test_a_withdrawn_token_is_dropped(tokens: TokenClient, service: Service, clock: Clock, age: float) -> None:
    """The account has withdrawn its authorisation: the cached token is not used although it has not expired."""
    await tokens.get(APPID)
    service.error = RpcFailure(503, "x", type_uri=f"{problems.REFUSED}:reauthorize")
    clock.now += age
    if age == FRESH_FOR:
        await tokens.get(APPID)
        await idle()
    with pytest.raises(TokenRefused):
        await tokens.get(APPID)


async def test_no_token_in_repr() -> None:
    """Log lines and tracebacks show no token."""
    messages = (
        TokenAnswer(access_token="SECRET", expires_in=5),
        ReportInvalidRequest(appid="wx1", token="SECRET"),
        CredentialAnswer(value="SECRET", expires_in=5),
        ReportCredentialRequest(appid="wx1", kind="jsapi_ticket", value="SECRET"),
        TicketDelivery(appid="wx1", ticket="SECRET", created_at=1),
        AuthorizationRequest(appid="wx1", authorization_code="SECRET"),
        PreAuthCode(pre_auth_code="SECRET", expires_in=5),
    )
    assert "SECRET" not in repr(messages)


async def test_closing_cancels_the_calls(service: Service) -> None:
    """Closing the client cancels its calls and leaves no task."""
    service.gate.clear()
    client = TokenClient(service)
    caller = asyncio.create_task(client.get(APPID))
    await idle()
    await client.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
