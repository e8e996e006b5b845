"""The events of a third-party platform reach the token service before they are done."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.support.envelopes import an_envelope
from tests.support.worker import Rig
from wxbus.bus.envelope import Envelope
from wxbus.errors import RpcFailure, TokenUnavailable
from wxbus.rpc import Client
from wxbus.rpc.transports.port import Transport
from wxbus.testing import MemoryDelivery
from wxbus.tokens.component import ComponentClient
from wxbus_worker import Account, AccountKind, ComponentEvent, Message, Router
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters

PLATFORM = Account(name="platform", appid="wx-platform", kind=AccountKind.COMPONENT)
EVENTS: dict[str, tuple[dict[str, str], tuple[Any, ...]]] = {
    "component_verify_ticket": (
        {"ComponentVerifyTicket": "SECRET-TICKET"},
        ("deliver_ticket", "wx-platform", "SECRET-TICKET", 1700000000),
    ),
    "authorized": (
        {"AuthorizerAppid": "wx-bakery", "AuthorizationCode": "SECRET-CODE", "PreAuthCode": "SECRET-PRE"},
        ("authorize", "wx-platform", "SECRET-CODE", "wx-bakery"),
    ),
    "updateauthorized": (
        {"AuthorizerAppid": "wx-bakery", "AuthorizationCode": "SECRET-CODE", "PreAuthCode": "SECRET-PRE"},
        ("authorize", "wx-platform", "SECRET-CODE", "wx-bakery"),
    ),
    "unauthorized": ({"AuthorizerAppid": "wx-bakery"}, ("unauthorize", "wx-platform", "wx-bakery", 1700000000)),
}


class TokenService:
    """Records what is reported to it."""

    def __init__(self) -> None:
        self.reported: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    async def deliver_ticket(self, appid: str, ticket: str, *, created_at: int) -> None:
        """Record a ticket."""
        self._note("deliver_ticket", appid, ticket, created_at)

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> None:
        """Record an authorization."""
        self._note("authorize", appid, code, authorizer_appid)

    async def unauthorize(self, appid: str, authorizer_appid: str, *, created_at: int) -> None:
        """Record a withdrawal."""
        self._note("unauthorize", appid, authorizer_appid, created_at)

    def _note(self, *what: Any) -> None:
        if self.error:
            raise self.error
        self.reported.append(what)


def an_event(info_type: str) -> Envelope:
    """Return the event as ingress publishes it."""
    fields, _ = EVENTS[info_type]
    document = {"AppId": PLATFORM.appid, "CreateTime": "1700000000", "InfoType": info_type, **fields}
    about = fields.get("AuthorizerAppid", info_type)
    return an_envelope(
        openid=None,
        account="platform",
        appid=PLATFORM.appid,
        lane=f"{PLATFORM.appid}:{about}",
        dedup_id=f"{PLATFORM.appid}:i:{info_type}:1700000000",
        body=json.dumps(document).encode(),
    )


def a_router(heard: list[Message], token_service: TokenService) -> Router:
    """Return a router whose handler checks that the token service has the event."""
    router = Router()

    @router.event(ComponentEvent)
    async def hear(message: ComponentEvent) -> None:
        assert token_service.reported
        heard.append(message)

    return router


@pytest.mark.parametrize("info_type", EVENTS)
async def test_the_token_service_gets_the_event_before_the_handler(info_type: str) -> None:
    """Once for the event and all its copies; the handler gets it too, and can use the account's token."""
    token_service, heard = TokenService(), list[Message]()
    rig = Rig(a_router(heard, token_service), account=PLATFORM, platform=token_service)
    event = an_event(info_type)
    for _ in range(2):
        assert isinstance(await rig.handle(event), Done)
    assert token_service.reported == [EVENTS[info_type][1]]
    assert len(heard) == 1


@pytest.mark.parametrize("info_type", EVENTS)
async def test_an_event_is_retried_while_the_token_service_is_unavailable(info_type: str) -> None:
    """The handler does not run before the event is reported."""
    token_service, heard = TokenService(), list[Message]()
    rig = Rig(a_router(heard, token_service), account=PLATFORM, platform=token_service)
    token_service.error = TokenUnavailable("the token service does not answer")
    assert isinstance(await rig.handle(an_event(info_type)), Retry)
    assert not heard
    token_service.error = None
    ((copy, _delay),) = rig.memory_publisher.retries
    assert isinstance(await rig.handle(copy), Done)
    assert token_service.reported == [EVENTS[info_type][1]]
    assert len(heard) == 1


async def test_an_invalid_code_is_not_retried() -> None:
    """WeChat says that it is used or withdrawn: the event is done, its handler runs."""
    token_service, heard = TokenService(), list[Message]()
    router = Router()

    @router.event(ComponentEvent)
    async def hear(message: ComponentEvent) -> None:
        heard.append(message)

    rig = Rig(router, account=PLATFORM, platform=token_service)
    token_service.error = RpcFailure(422, "The authorisation code is not valid")
    delivery = MemoryDelivery(an_event("authorized"))
    assert isinstance(await rig.handle(delivery), Done)
    assert delivery.acked
    assert len(heard) == 1


async def test_another_account_cannot_report_platform_events() -> None:
    """The keys of an ordinary account allow to push such a document: it is not reported."""
    token_service, heard = TokenService(), list[Message]()
    router = Router()

    @router.event(ComponentEvent)
    async def hear(message: ComponentEvent) -> None:
        heard.append(message)

    shop = Account(name="shop", appid=PLATFORM.appid, kind=AccountKind.OFFICIAL_ACCOUNT)
    rig = Rig(router, account=shop, platform=token_service)
    await rig.handle(an_event("component_verify_ticket"))
    assert heard
    assert not token_service.reported


@pytest.mark.parametrize(
    ("info_type", "fields", "text"),
    [
        ("component_verify_ticket", {"ComponentVerifyTicket": ""}, "ticket: "),
        ("authorized", {"AuthorizationCode": ""}, "authorization_code: "),
        ("unauthorized", {"AuthorizerAppid": "wx bakery\n"}, "authorizer_appid: "),
    ],
)
async def test_a_malformed_event_is_rejected_at_once(info_type: str, fields: dict[str, str], text: str) -> None:
    """The dead letter names the field, without traceback and value."""
    event = an_event(info_type)
    event = replace(event, body=json.dumps({**json.loads(event.body), **fields}).encode())
    router = Router()

    @router.event(ComponentEvent)
    async def hear(message: ComponentEvent) -> None:
        raise AssertionError(message)

    client = ComponentClient(Client(cast("Transport", None)))  # a malformed event is never sent
    rig = Rig(router, account=PLATFORM, platform=client)
    with capture_logs() as lines:
        assert isinstance(await rig.handle(event), ToDeadLetters)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert death.error.startswith(f"Reject: the event is malformed: {text}")
    assert (death.reason, death.traceback) == ("reject", "")
    assert "SECRET" not in death.error
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["delivery.dead_lettered"]
    assert not any("exc_info" in line for line in lines)
