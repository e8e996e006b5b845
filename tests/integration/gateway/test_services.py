"""The business's own services: what they need, what they take, and what surrounds their calls."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from ipaddress import ip_network

import aiohttp
import msgpack
import pytest
import structlog
from pydantic import BaseModel, Field

from tests.support.gateway import OPENID, Gateways, Visitor
from tests.support.token_service import eventually
from wxbus.errors import ConfigurationError
from wxbus_gateway import (
    Account,
    Answer,
    Application,
    Call,
    MiniProgramUser,
    Next,
    Phone,
    Presence,
    Profile,
    Public,
    Session,
    Sessions,
    current_call,
    method,
    service,
)
from wxbus_gateway.testing import ServiceClient

pytestmark = pytest.mark.integration


class Order(BaseModel):
    item: str = Field(max_length=20)
    count: int = Field(default=1, ge=1, le=99)


class Receipt(BaseModel):
    number: int
    text: str


class Shelf:
    """What lives as long as the gateway."""

    def __init__(self) -> None:
        self.sold: list[str] = []
        self.closed = False


class Discount:
    """A feature that a stage leaves."""

    percent = 10


@service("orders")
class Orders:
    """A business's service."""

    def __init__(self) -> None:
        self.started, self.release = asyncio.Event(), asyncio.Event()
        self.slow_calls = 0

    @method(needs=Public)
    async def price(self, request: Order, account: Account) -> Receipt:
        """Return a price, to anybody."""
        return Receipt(number=request.count * 7, text=account.name)

    @method(needs=Session)
    async def create(self, request: Order, session: Session, shelf: Shelf, discount: Discount) -> Receipt:
        """Sell something."""
        shelf.sold.append(request.item)
        assert current_call().features[Session] is session
        return Receipt(number=len(shelf.sold), text=f"{request.item} -{discount.percent} % for {session.user_id}")

    @method(needs=Profile)
    async def card(self, request: Order, profile: Profile, user: MiniProgramUser) -> Receipt:
        """Greet the user by name."""
        return Receipt(number=request.count, text=f"{profile.nickname} {user.uid}")

    @method(needs=Session)
    async def register(self, request: Order, session: Session, sessions: Sessions, presence: Presence) -> Receipt:
        """Make the user a customer."""
        await sessions.set_uid(f"customer {request.count}")
        await sessions.set_data({"likes": request.item})
        connected = await presence.is_connected(session.appid, session.openid)
        return Receipt(number=request.count, text=f"connected: {connected}")

    @method(needs=Phone)
    async def deliver(self, request: Order, phone: Phone) -> Receipt:
        """Send something home."""
        return Receipt(number=request.count, text=f"{phone.international[:6]}...")

    @method(needs=Session)
    async def slow(self, request: Order) -> Receipt:
        """Wait until the test lets it go on."""
        self.slow_calls += 1
        self.started.set()
        await self.release.wait()
        return Receipt(number=request.count, text="slow")

    @method(needs=Session)
    async def broken(self, request: Order) -> Receipt:
        """Fail."""
        raise KeyError(request.item)


SHELF = Shelf()


@asynccontextmanager
async def open_shelf() -> AsyncIterator[Shelf]:
    """Open the shelf of a test."""
    yield SHELF
    SHELF.closed = True


def shop(orders: Orders | None = None) -> Application:
    """Return an application with a service, a stage and a provided object."""
    SHELF.sold, SHELF.closed = [], False
    app = Application()
    app.add(orders or Orders())
    app.provide(Shelf, open_shelf)

    @app.stage
    async def discounts(call: Call, call_next: Next) -> Answer:
        call.features[Discount] = Discount()
        return await call_next(call)

    return app


async def test_a_method_takes_what_it_needs_by_type(world: Gateways) -> None:
    """Session, user, profile, phone number, account, provided objects and features of stages are parameters."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        free = await visit.call("cafe/orders/price", {"item": "tea", "count": 2})
        await world.log_in(visit)
        shared = await world.place.sandbox.user_data("cafe", openid=OPENID)
        await visit.call("cafe/user-info", shared.user_info)
        await visit.call("cafe/phone", {"code": shared.phone["code"]})
        texts = [
            (await visit.call(f"cafe/orders/{name}", {"item": "tea"})).body["result"]["text"]
            for name in ("create", "card", "deliver")
        ]
    assert (free.body["result"], free.body["session"]) == ({"number": 14, "text": "cafe"}, None)
    assert texts == ["tea -10 % for 1", "小明 None", "+86138..."]
    assert SHELF.closed


async def test_a_service_adds_to_the_session(world: Gateways) -> None:
    """All devices of the user see the business's id of the user; what is added to one session, this one only."""
    async with world.running(shop()) as visitor:
        phone, tablet = visitor(), visitor()
        for one in (phone, tablet):
            await world.log_in(one)
        registered = await phone.call("cafe/orders/register", {"item": "tea", "count": 7})
        seen = [registered, await phone.call("cafe/session"), await tablet.call("cafe/session")]
    assert registered.body["result"]["text"] == "connected: False"
    assert [(one.session["uid"], one.session["data"]) for one in seen] == [
        ("customer 7", {"likes": "tea"}),
        ("customer 7", {"likes": "tea"}),
        ("customer 7", {}),
    ]


async def test_what_is_added_to_a_session_has_limits() -> None:
    """Ids that are too long, and data that is too large or not JSON, are refused with the limit, in tests as well."""
    async with ServiceClient.open(shop()) as client:
        client.log_in()
        await client.set_data({"level": "x" * 2_000})
        for change, error in (
            (client.set_uid("u" * 129), "uid: must have 1 to 128 characters"),
            (client.set_uid(""), "uid: must have 1 to 128 characters"),
            (client.set_data({"level": "x" * 2_048}), "session data: must have at most 2048 bytes as JSON"),
            (client.set_data({"level": {1, 2}}), "session data: must be JSON"),
        ):
            with pytest.raises(ValueError, match=error):
                await change


async def test_each_missing_step_has_its_own_challenge(world: Gateways) -> None:
    """Without session, profile or phone number a 401 names the next step, in the header and in the body."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        without = await visit.call("cafe/orders/create", {"item": "tea"})
        await world.log_in(visit)
        phone = await visit.call("cafe/orders/deliver", {"item": "tea"})
        card = await visit.call("cafe/orders/card", {"item": "tea"})
    seen = [(one.status, one.headers["WWW-Authenticate"], one.body["type"]) for one in (without, phone)]
    assert seen == [
        (401, 'Bearer realm="cafe"', "urn:wxbus:problem:session-required"),
        (401, 'getPhoneNumber realm="cafe"', "urn:wxbus:problem:phone-required"),
    ]
    assert phone.session["phone"] is False, "the state is in problem documents, too"
    # The sandbox tells a unionid at the login, which is enough for needs=Profile; a parameter Profile has no value yet.
    assert card.status == 401
    assert card.headers["WWW-Authenticate"] == 'getUserInfo realm="cafe"'


async def test_bad_requests_name_the_field(world: Gateways) -> None:
    """A wrong field is a 422 with its name; unknown methods are a 404; a fault of ours is a 500 without details."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        await world.log_in(visit)
        wrong = await visit.call("cafe/orders/create", {"item": "x" * 21, "count": 0})
        missing = await visit.call("cafe/orders/none", {"item": "tea"})
        broken = await visit.call("cafe/orders/broken", {"item": "secret"})
    assert (wrong.status, [error["field"] for error in wrong.body["errors"]]) == (422, ["item", "count"])
    assert missing.status == 404
    assert broken.status == 500
    assert "secret" not in repr(broken.body)


async def test_an_override_of_the_verb_changes_nothing(world: Gateways) -> None:
    """Clients that write the intended verb into a header make the same call; other verbs are a 405 (decision 0044)."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        tunnelled = [
            (await visit.call("cafe/orders/price", {"item": "tea"}, **{"X-HTTP-Method-Override": verb})).status
            for verb in ("GET", "PUT", "DELETE")
        ]
        async with visit.http.put(f"{visit.url}/cafe/orders/price", json={"item": "tea"}) as put:
            assert (put.status, put.headers["Allow"]) == (405, "POST")
        async with visit.http.post(f"{visit.url}/cafe/openapi.json") as document:
            assert document.status == 200
    assert tunnelled == [200, 200, 200]


async def test_formats_and_compression(world: Gateways) -> None:
    """Other formats carry the session state in headers; gzip works both ways."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        await world.log_in(visit)
        headers = {"Authorization": f"Bearer {visit.token}", "Content-Encoding": "gzip"}
        url = f"{visit.url}/cafe/orders/create"
        packed = gzip.compress(msgpack.packb({"item": "tea"}))
        headers |= {"Content-Type": "application/vnd.msgpack", "Accept": "application/vnd.msgpack"}
        async with visit.http.post(url, data=packed, headers=headers) as response:
            answer = msgpack.unpackb(await response.read())
            assert answer["text"].startswith("tea")
            assert response.headers["WXBus-Session"] == visit.token
            assert (response.headers["WXBus-Session-Phone"], int(response.headers["WXBus-Session-Expires-In"]) > 0) == (
                "false",
                True,
            )
        form = {"Authorization": f"Bearer {visit.token}"}
        async with visit.http.post(url, data={"item": "milk"}, headers=form) as response:
            assert (await response.json())["result"]["number"] == 2


async def test_an_idempotency_key_gives_the_first_answer(world: Gateways) -> None:
    """A repeated call has no second effect; the key belongs to the user, the method and the request."""
    async with world.running(shop()) as visitor, world.running(shop()) as other:
        visit, stranger = visitor(), visitor()
        await world.log_in(visit)
        await world.log_in(stranger, openid="oStranger")
        key = {"Idempotency-Key": "order-1"}
        first = await visit.call("cafe/orders/create", {"item": "tea"}, **key)
        elsewhere = Visitor(visit.http, other().url, visit.token)
        again = await elsewhere.call("cafe/orders/create", {"item": "tea"}, **key)
        reused = await visit.call("cafe/orders/create", {"item": "milk"}, **key)
        strangers = await stranger.call("cafe/orders/create", {"item": "tea"}, **key)
        malformed = await visit.call("cafe/orders/create", {"item": "tea"}, **{"Idempotency-Key": "x" * 129})
    assert first.body["result"] == again.body["result"]
    assert SHELF.sold == ["tea", "tea"], "the visitor's and the stranger's"
    assert (reused.status, strangers.status, malformed.status) == (422, 200, 400)


async def test_a_repeated_call_while_the_first_one_runs(world: Gateways) -> None:
    """It is a 409 that may be repeated; a call that failed is not kept."""
    orders = Orders()
    async with world.running(shop(orders)) as visitor:
        visit = visitor()
        await world.log_in(visit)
        key = {"Idempotency-Key": "order-2"}
        running = asyncio.create_task(visit.call("cafe/orders/slow", {"item": "tea"}, **key))
        await orders.started.wait()
        second = await visit.call("cafe/orders/slow", {"item": "tea"}, **key)
        assert second.status == 409
        orders.release.set()
        assert (await running).status == 200
        assert (await visit.call("cafe/orders/slow", {"item": "tea"}, **key)).body["result"]["text"] == "slow"
        failed = [(await visit.call("cafe/orders/broken", {"item": "tea"}, **key)).status for _ in range(2)]
    assert failed == [500, 500]
    assert "Retry-After" in second.headers


async def test_a_client_that_goes_does_not_stop_a_call_with_a_key(world: Gateways) -> None:
    """It did not see the answer, so it repeats the call: the method must not run twice, nor half."""
    orders = Orders()

    async def gone() -> bool:
        return any(entry.get("status") == 499 for entry in logs)

    with structlog.testing.capture_logs() as logs:
        async with world.running(shop(orders)) as visitor:
            visit = visitor()
            await world.log_in(visit)
            key = {"Idempotency-Key": "order-3"}
            running = asyncio.create_task(visit.call("cafe/orders/slow", {"item": "tea"}, **key))
            await orders.started.wait()
            running.cancel()
            await eventually(gone)
            assert (await visit.call("cafe/orders/slow", {"item": "tea"}, **key)).status == 409
            orders.release.set()
            while (answer := await visit.call("cafe/orders/slow", {"item": "tea"}, **key)).status == 409:
                pass
    assert (answer.status, answer.body["result"]["text"], orders.slow_calls) == (200, "slow", 1)


async def test_running_calls_end_when_the_gateway_stops(world: Gateways) -> None:
    """A call that ends within the grace is answered; one that does not is cancelled."""
    for grace, releases in ((30.0, True), (0.1, False)):
        orders = Orders()
        async with world.running(shop(orders), grace=grace) as visitor:
            visit = visitor()
            await world.log_in(visit)
            call = asyncio.create_task(visit.call("cafe/orders/slow", {"item": "tea"}))
            await orders.started.wait()
            if releases:
                asyncio.get_running_loop().call_later(0.2, orders.release.set)  # while the gateway is stopping
        if releases:
            assert (await call).status == 200
        else:
            with pytest.raises(aiohttp.ClientError):
                await call


async def test_calls_without_a_session_are_limited_by_address(world: Gateways) -> None:
    """Wrong tokens are counted, too, for calls and sockets; behind a trusted proxy the address is the client's."""
    proxies = (ip_network("127.0.0.1"),)
    for trusted, expected in ((proxies, {"203.0.113.1": True, "203.0.113.2": False}), ((), {"203.0.113.1": True})):
        async with world.running(shop(), address_rate_limit=0.01, trusted_proxies=trusted) as visitor:
            visit = visitor()
            headers = {"Authorization": f"Bearer {'A' * 43}", "X-Forwarded-For": "203.0.113.1"}
            for path in ("session", "socket"):
                statuses = []
                for _ in range(2):
                    verb = "POST" if path == "session" else "GET"
                    async with visit.http.request(verb, f"{visit.url}/cafe/{path}", headers=headers) as response:
                        statuses.append(response.status)
                assert 429 in statuses, path
            for address, limited in expected.items():
                other = await visit.call("cafe/session", **{"X-Forwarded-For": address})
                assert other.status == (429 if limited else 401), address
            if not trusted:
                assert (await visit.call("cafe/session", **{"X-Forwarded-For": "203.0.113.9"})).status == 429


async def test_a_user_who_floods_is_limited(world: Gateways) -> None:
    """One user's calls over the rate are a 429 with a time; another user is not affected."""
    async with world.running(shop(), rate_limit=0.01) as visitor:
        visit, stranger = visitor(), visitor()
        await world.log_in(visit)
        await world.log_in(stranger, openid="oStranger")
        statuses = [(await visit.call("cafe/session")).status for _ in range(4)]
        assert statuses.count(429) >= 1
        assert (await stranger.call("cafe/session")).status == 200


async def test_a_wrong_declaration_does_not_start(world: Gateways) -> None:
    """A method without needs, or with a parameter that its needs do not provide, is named at start."""

    @service("a")
    class Unclear:
        @method(scopes=["a:b:all"])
        async def b(self, request: Order) -> Receipt:
            raise AssertionError(request)

    @service("a")
    class Demanding:
        @method(needs=Session)
        async def b(self, request: Order, phone: Phone) -> Receipt:
            raise AssertionError(request, phone)

    for wrong, text in ((Unclear(), r"a\.b: needs must be Public"), (Demanding(), r"a parameter Phone needs")):
        app = Application()
        app.add(wrong)
        with pytest.raises(ConfigurationError, match=text):
            async with world.running(app):
                pass


async def test_each_account_has_an_openapi_document(world: Gateways) -> None:
    """The document has every method with its envelope, and says what it needs; the page is beside it."""
    async with world.running(shop()) as visitor:
        visit = visitor()
        async with visit.http.get(f"{visit.url}/cafe/openapi.json") as response:
            document = await response.json()
        async with visit.http.get(f"{visit.url}/cafe/docs") as response:
            page = await response.text()
        async with visit.http.get(f"{visit.url}/shop/openapi.json") as response:
            assert response.status == 404
    delivery = document["paths"]["/cafe/orders/deliver"]["post"]
    assert delivery["description"] == "Requires a session and the user's phone number."
    answer = delivery["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(answer["properties"]) == {"result", "session"}
    assert "/cafe/login" in document["paths"]
    operations = [path["post"] for path in document["paths"].values()]
    assert not any("_user`" in operation["summary"] for operation in operations), "of the page's readers, not ours"
    script = files("wxbus.rpc.page").joinpath("page.js").read_text(encoding="utf-8")
    assert all(f'"{operation["description"]}": "' in script for operation in operations), "said in Chinese, too"
    assert "openapi.json" in page
