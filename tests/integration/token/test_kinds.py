"""Every kind of credential, from the accounts file to what the sandbox, by WeChat's rules, takes or refuses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.token_service import SHOP, Place, placed, service
from wxbus.api import component
from wxbus.api.http import WeChatHttp
from wxbus.errors import RpcFailure, TokenRefused, TokenUnavailable, WeChatError
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus.tokens.component import ComponentClient
from wxbus_sandbox.models import Fault
from wxbus_token.api.messages import AccountRequest, StatusList
from wxbus_token.settings import TokenSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

OLD = "wx00000000000000c1"
SALES = "ww00000000000000a1-sales"
STAFF = "ww00000000000000a1-staff"
PLATFORM = "wx00000000000000d1"
BAKERY = "wx00000000000000b1"
MORE = f"""
[accounts.old]
appid = "{OLD}"
kind = "official_account"
secret = "SECRET-OF-OLD-0123456789abcdef"
classic_token = true

[accounts.sales]
appid = "{SALES}"
receive_id = "ww00000000000000a1"
kind = "wecom"
secret = "SECRET-OF-SALES-0123456789abcdef"

[accounts.staff]
appid = "{STAFF}"
receive_id = "ww00000000000000a1"
kind = "wecom"
secret = "SECRET-OF-STAFF-0123456789abcdef"

[accounts.platform]
appid = "{PLATFORM}"
kind = "component"
secret = "SECRET-OF-PLATFORM-0123456789abcdef"
"""
"""WeCom's applications of one company, and a third-party platform; BAKERY stands in no file: it authorises."""


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """The service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


class Clients:
    """What a service and its operators use."""

    def __init__(self, client: Client) -> None:
        self.tokens = TokenClient(client)
        self.platform = ComponentClient(client)


@pytest.fixture
async def clients(place: Place) -> AsyncIterator[Clients]:
    """Clients of an instance that runs."""
    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        clients = Clients(client)
        yield clients
        await clients.tokens.aclose()


async def errcode_of(place: Place, token: str) -> int:
    """Return what WeChat says to a call with a token: 0 or an error of the body if the token is good."""
    async with WeChatHttp.open(place.sandbox.url) as http:
        try:
            await http.post("/cgi-bin/message/custom/typing", {"touser": "o", "command": "x"}, {"access_token": token})
        except WeChatError as exc:
            return exc.errcode
    return 0


BAD_TOKEN = {40001, 40014, 42001, 41001, 61014}


async def deliver_ticket(place: Place, platform: ComponentClient) -> None:
    """Let WeChat make a ticket, and hand it over as the worker does."""
    made = await place.sandbox.component_ticket("platform", push=False)
    assert await platform.deliver_ticket(PLATFORM, made.value, created_at=1_790_000_000)


async def authorize(place: Place, platform: ComponentClient) -> str:
    """Let BAKERY authorise the platform, and hand the code over; return it."""
    await deliver_ticket(place, platform)
    made = await place.sandbox.authorize("platform", BAKERY, push=False)
    answer = await platform.authorize(PLATFORM, made.value, authorizer_appid=BAKERY)
    assert (answer.appid, answer.permissions) == (BAKERY, [1, 2, 15])
    return made.value


async def test_a_classic_token_is_fetched_once_for_all(place: Place) -> None:
    """Each fetch would end the one before: a hundred callers of two instances, and later ones, are one fetch."""
    async with (
        service(place.settings) as one,
        service(place.settings) as two,
        TokenClient.open(one, place.key) as first,
        TokenClient.open(two, place.key) as second,
    ):
        tokens = await asyncio.gather(*(client.get(OLD) for client in (first, second) for _ in range(50)))
    async with service(place.settings) as again, TokenClient.open(again, place.key) as third:
        (token,) = {*tokens, await third.get(OLD)}
    assert await errcode_of(place, token) not in BAD_TOKEN
    counts = (await place.sandbox.token_counts())[OLD]
    assert (counts.classic, counts.stable) == (1, 0)


async def test_a_dead_classic_token_is_replaced_once(place: Place, clients: Clients) -> None:
    """A report of the current one fetches a new one, a report of an old one none."""
    dead = await clients.tokens.get(OLD)
    await place.sandbox.invalidate_tokens(OLD)
    fresh = await clients.tokens.report_invalid(OLD, dead)
    assert await errcode_of(place, fresh) not in BAD_TOKEN
    assert await clients.tokens.report_invalid(OLD, dead) == fresh
    assert (await place.sandbox.token_counts())[OLD].classic == 2


async def test_wecom_has_a_token_for_each_application(place: Place, clients: Clients) -> None:
    """One company, two secrets, two tokens, by WeCom's own call; a revoked one is replaced."""
    sales, staff = await clients.tokens.get(SALES), await clients.tokens.get(STAFF)
    assert sales != staff
    await place.sandbox.invalidate_tokens(SALES)
    assert await clients.tokens.report_invalid(SALES, sales) not in {sales, staff}
    assert await clients.tokens.get(STAFF) == staff
    counts = await place.sandbox.token_counts()
    assert (counts[SALES].wecom, counts[STAFF].wecom) == (2, 1)


async def test_a_wrong_secret_of_wecom_has_its_state(place: Place, clients: Clients) -> None:
    """WeCom says 40001 to a wrong secret; callers are told what it is."""
    await place.sandbox.fault(Fault(path="/cgi-bin/gettoken", errcode=40001))
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.get(SALES)
    assert caught.value.state == "wrong_secret"


@pytest.mark.parametrize("kind", ["jsapi_ticket", "wx_card_ticket"])
async def test_a_ticket_is_fetched_with_the_token_and_kept(place: Place, clients: Clients, kind: str) -> None:
    """Fifty callers, one fetch of the token and one of the ticket; the two kinds have different tickets."""
    assert kind in {"jsapi_ticket", "wx_card_ticket"}
    wanted = "jsapi_ticket" if kind == "jsapi_ticket" else "wx_card_ticket"
    tickets = await asyncio.gather(*(clients.tokens.get_ticket(SHOP, wanted) for _ in range(50)))
    assert len(set(tickets)) == 1
    other = await clients.tokens.get_ticket(SHOP, "wx_card_ticket" if kind == "jsapi_ticket" else "jsapi_ticket")
    assert other not in tickets
    assert await place.fetched() == 1


async def test_a_ticket_survives_a_dead_token(place: Place, clients: Clients) -> None:
    """The token with which the ticket is fetched is refused: it is reported, and the ticket fetched with the next."""
    dead = await clients.tokens.get(SHOP)
    await place.sandbox.invalidate_tokens(SHOP)
    assert await clients.tokens.get_ticket(SHOP)
    assert await clients.tokens.report_invalid(SHOP, dead) != dead
    assert await place.fetched() == 2


async def test_a_ticket_that_wechat_gives_again_is_valid(place: Place, clients: Clients) -> None:
    """A ticket was reported by mistake: WeChat gives it again, so it stays, and further reports cost no call."""
    ticket = await clients.tokens.get_ticket(SHOP)
    assert await clients.tokens.report_ticket(SHOP, ticket) == ticket
    await place.sandbox.fault(Fault(path="/cgi-bin/ticket/getticket", errcode=45009))
    for _ in range(3):
        assert await clients.tokens.report_ticket(SHOP, ticket) == ticket
    assert await clients.tokens.get_ticket(SHOP) == ticket


async def test_a_platform_without_a_ticket_says_so(place: Place, clients: Clients) -> None:
    """No ticket has come: its own state, WeChat is asked to push one, once however many want the token."""
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="component_verify_ticket"):
            await clients.tokens.get_component_token(PLATFORM)
    assert await place.sandbox.pushes_started() == {PLATFORM: 1}
    await deliver_ticket(place, clients.platform)
    assert await clients.tokens.get_component_token(PLATFORM)


@pytest.mark.parametrize("errcode", [61005, 61006, 61058])
async def test_a_ticket_that_is_refused_ends_with_the_next(place: Place, clients: Clients, errcode: int) -> None:
    """The platform's token waits for the next ticket, ten minutes at most, and no longer once it has come."""
    await deliver_ticket(place, clients.platform)
    await place.sandbox.fault(Fault(path=component.TOKEN, errcode=errcode))
    with pytest.raises(TokenUnavailable) as caught:
        await clients.tokens.get_component_token(PLATFORM)
    assert 500 < (caught.value.retry_after or 0) <= 720
    assert (await place.sandbox.pushes_started())[PLATFORM] == 1
    await deliver_ticket(place, clients.platform)
    assert await clients.tokens.get_component_token(PLATFORM)


async def test_an_older_ticket_does_not_replace_a_newer(place: Place, clients: Clients) -> None:
    """Pushes may overtake one another, and be repeated."""
    new = (await place.sandbox.component_ticket("platform", push=False)).value
    assert await clients.platform.deliver_ticket(PLATFORM, new, created_at=2000)
    assert not await clients.platform.deliver_ticket(PLATFORM, "ticket@@@old", created_at=1999)
    assert await clients.platform.deliver_ticket(PLATFORM, new, created_at=2000)
    assert await clients.tokens.get_component_token(PLATFORM)


async def test_an_authoriser_is_an_account_like_any_other(place: Place, clients: Clients) -> None:
    """From the code to a token that WeChat takes, on every instance, also after a restart, and its ticket."""
    with pytest.raises(TokenRefused, match="404"):
        await clients.tokens.get(BAKERY)
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    assert await errcode_of(place, token) not in BAD_TOKEN
    assert [one.appid for one in await clients.platform.authorizers(PLATFORM)] == [BAKERY]
    async with service(place.settings) as url, TokenClient.open(url, place.admin_key) as elsewhere:
        assert await elsewhere.get(BAKERY) == token
        assert await elsewhere.get_ticket(BAKERY)


async def test_the_refresh_token_is_replaced_each_time(place: Place, clients: Clients) -> None:
    """WeChat takes each refresh token once: three tokens in a row, and the last one is as good as the first."""
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    for _ in range(3):
        await place.sandbox.invalidate_tokens(BAKERY, family="authorizer")
        before, token = token, await clients.tokens.report_invalid(BAKERY, token)
        assert token != before
    assert await errcode_of(place, token) not in BAD_TOKEN


async def test_a_refresh_token_whose_answer_was_lost_is_got_back(place: Place, clients: Clients) -> None:
    """WeChat replaced it and the answer never came: WeChat tells it, and the next token is fetched with it."""
    await authorize(place, clients.platform)
    await place.sandbox.fault(Fault(path=component.AUTHORIZER_TOKEN, disconnect=True, effect=True))
    token = await clients.tokens.get(BAKERY)
    assert await errcode_of(place, token) not in BAD_TOKEN
    assert (await place.sandbox.token_counts())[BAKERY].authorizer == 3, "with the code, in vain, and in the end"


async def test_a_code_again_has_the_same_outcome(place: Place, clients: Clients) -> None:
    """The event comes again, or with the browser: WeChat exchanges a code once, we remember what for."""
    code = await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    assert (await clients.platform.authorize(PLATFORM, code)).appid == BAKERY
    assert await clients.tokens.get(BAKERY) == token


async def test_a_code_whose_answer_was_lost_does_no_harm(place: Place, clients: Clients) -> None:
    """WeChat has exchanged it and the answer never came: with the account's appid WeChat is asked what it has."""
    await deliver_ticket(place, clients.platform)
    code = (await place.sandbox.authorize("platform", BAKERY, push=False)).value
    await place.sandbox.fault(Fault(path=component.QUERY_AUTH, disconnect=True, effect=True, times=1))
    answer = await clients.platform.authorize(PLATFORM, code, authorizer_appid=BAKERY)
    assert answer.appid == BAKERY
    assert await errcode_of(place, await clients.tokens.get(BAKERY)) not in BAD_TOKEN


async def test_a_wrong_code_is_the_callers_fault(place: Place, clients: Clients) -> None:
    """422 and WeChat's reason, nothing stored; so is the event of an account that has withdrawn meanwhile."""
    await deliver_ticket(place, clients.platform)
    with pytest.raises(RpcFailure, match="61010") as caught:
        await clients.platform.authorize(PLATFORM, "queryauthcode@@@never")
    assert caught.value.status == 422
    code = (await place.sandbox.authorize("platform", BAKERY, push=False)).value
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    for given in (f"{code}x", code):
        with pytest.raises(RpcFailure, match="61003") as caught:
            await clients.platform.authorize(PLATFORM, given, authorizer_appid=BAKERY)
        assert caught.value.status == 422
    assert await clients.platform.authorizers(PLATFORM) == []


async def test_who_withdraws_has_no_token_any_more(place: Place, clients: Clients) -> None:
    """Value and refresh token go, its own state says why; authorised anew it has one again, whatever the clocks say."""
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    later = 2**40
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    assert await clients.platform.unauthorize(PLATFORM, BAKERY, created_at=later)
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.report_invalid(BAKERY, token)
    assert caught.value.state == "reauthorize"
    assert await clients.platform.authorizers(PLATFORM) == []
    await authorize(place, clients.platform)  # our clock is far behind the withdrawal's
    assert await clients.tokens.get(BAKERY) != token
    assert [one.appid for one in await clients.platform.authorizers(PLATFORM)] == [BAKERY]


async def test_a_withdrawal_from_before_does_not_count(place: Place, clients: Clients) -> None:
    """Events overtake one another: who authorised after that keeps the token."""
    await authorize(place, clients.platform)
    assert not await clients.platform.unauthorize(PLATFORM, BAKERY, created_at=1000)
    assert await clients.tokens.get(BAKERY)


async def test_an_account_with_a_secret_of_its_own_keeps_its_own_token(place: Place, clients: Clients) -> None:
    """It authorises the platform and withdraws: its token is that of its secret all the while."""
    await deliver_ticket(place, clients.platform)
    own = await clients.tokens.get(SHOP)
    code = (await place.sandbox.authorize("platform", SHOP, push=False)).value
    assert (await clients.platform.authorize(PLATFORM, code)).appid == SHOP
    async with service(place.settings) as url, TokenClient.open(url, place.key) as elsewhere:
        assert await elsewhere.get(SHOP) == own
        assert await clients.platform.unauthorize(PLATFORM, SHOP, created_at=2**40)
        assert await elsewhere.report_invalid(SHOP, "unknown") == own
    assert (await place.sandbox.token_counts())[SHOP].stable == 1


async def test_a_withdrawal_nobody_told_us_of_is_a_state(place: Place, clients: Clients) -> None:
    """WeChat refuses the refresh token and knows no other: the owner must authorise again."""
    await authorize(place, clients.platform)
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.get(BAKERY)
    assert caught.value.state == "reauthorize"


async def test_authorisers_are_found_again_when_redis_lost_them(place: Place, clients: Clients) -> None:
    """WeChat's list has them all, with their refresh tokens."""
    await deliver_ticket(place, clients.platform)
    for number in range(3):
        await place.sandbox.authorize("platform", f"{BAKERY}{number}", push=False)
    assert await clients.platform.recover(PLATFORM) == 3
    assert await clients.platform.recover(PLATFORM) == 0
    assert await errcode_of(place, await clients.tokens.get(f"{BAKERY}2")) not in BAD_TOKEN


async def test_operators_see_a_platform(place: Place, clients: Clients) -> None:
    """Its own token has a status like any other credential; so have the accounts' that authorised it."""
    await authorize(place, clients.platform)
    await clients.tokens.get(BAKERY)
    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        for appid, kind in ((PLATFORM, "component_access_token"), (BAKERY, "authorizer_access_token")):
            (status,) = (await client.call("token", "status", AccountRequest(appid=appid), StatusList)).credentials
            assert (status.kind, status.valid) == (kind, True)


async def test_a_page_of_authorisation_has_a_code_of_its_own(place: Place, clients: Clients) -> None:
    """Two visitors, two codes, with the time that WeChat says."""
    await deliver_ticket(place, clients.platform)
    codes = [await clients.platform.pre_auth_code(PLATFORM) for _ in range(2)]
    assert codes[0].pre_auth_code != codes[1].pre_auth_code
    assert codes[0].expires_in == 1800


async def test_a_dead_platform_token_is_replaced_on_the_way(place: Place, clients: Clients) -> None:
    """WeChat refuses it in the middle of something else: that goes on with the next one."""
    await deliver_ticket(place, clients.platform)
    assert await clients.platform.pre_auth_code(PLATFORM)
    await place.sandbox.invalidate_tokens(PLATFORM, family="component")
    assert await clients.platform.pre_auth_code(PLATFORM)
    assert (await place.sandbox.token_counts())[PLATFORM].component == 2


@pytest.mark.parametrize("appid", [SHOP, "wx-nobody"])
async def test_only_platforms_are_platforms(clients: Clients, appid: str) -> None:
    """404 for an account that is none, for every method of the service."""
    for call in (
        clients.platform.deliver_ticket(appid, "t", created_at=1),
        clients.platform.authorize(appid, "c"),
        clients.platform.unauthorize(appid, BAKERY, created_at=1),
        clients.platform.authorizers(appid),
        clients.platform.pre_auth_code(appid),
        clients.platform.recover(appid),
    ):
        with pytest.raises(TokenRefused, match="404"):
            await call


def test_wecom_has_an_address_of_its_own() -> None:
    """Not that of the rest of WeChat."""
    assert TokenSettings.model_fields["wecom_api_url"].default == "https://qyapi.weixin.qq.com"


async def test_a_false_report_of_any_kind_ends_nothing(place: Place, clients: Clients) -> None:
    """WeChat, or WeCom, accepts the token that was reported: the same one is the answer, and none is made."""
    await authorize(place, clients.platform)
    for appid in (OLD, SALES, BAKERY, SHOP):
        token = await clients.tokens.get(appid)
        before = await place.sandbox.token_counts()
        for _ in range(3):
            assert await clients.tokens.report_invalid(appid, token) == token
        assert await place.sandbox.token_counts() == before
    own = await clients.tokens.get_component_token(PLATFORM)
    assert await clients.tokens.report_component_token(PLATFORM, own) == own
    assert await place.sandbox.token_counts() == before
