"""Every kind of credential, from the accounts file to the sandbox, which accepts tokens by WeChat's rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.token_service import SHOP, WECHAT_TIMEOUT, Place, eventually, placed, service
from wxbus.api import component
from wxbus.api.http import WeChatHttp
from wxbus.config.settings import WeChatApiSettings
from wxbus.errors import RpcFailure, TokenRefused, TokenUnavailable, WeChatError
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus.tokens.component import ComponentClient
from wxbus.tokens.messages import TicketKind
from wxbus.tokens.services import TokenService
from wxbus_sandbox.models import Fault
from wxbus_token.api.messages import AccountRequest, StatusList

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
"""Two WeCom applications of one company, and a third-party platform; BAKERY is in no file, it authorises."""


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield a service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


class Clients:
    """Clients of the services `token` and `component`."""

    def __init__(self, client: Client) -> None:
        self.tokens = TokenClient(client)
        self.platform = ComponentClient(client)


@pytest.fixture
async def clients(place: Place, logs: Callable[[], str]) -> AsyncIterator[Clients]:
    """Yield clients of a running instance, which has found the platform without a ticket and checks it no more."""

    async def checked() -> bool:
        return "token.authorizers_not_checked" in logs()

    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        await eventually(checked)  # with a ticket it would read WeChat's list of accounts, like `recover`
        clients = Clients(client)
        yield clients
        await clients.tokens.aclose()


async def errcode_of(place: Place, token: str) -> int:
    """Return WeChat's error code of a call with a token: 0, or an error about the body, if the token is valid."""
    async with WeChatHttp.open(place.sandbox.url, WECHAT_TIMEOUT) as http:
        try:
            await http.post("/cgi-bin/message/custom/typing", {"touser": "o", "command": "x"}, {"access_token": token})
        except WeChatError as exc:
            return exc.errcode
    return 0


BAD_TOKEN = {40001, 40014, 42001, 41001, 61014}


async def deliver_ticket(place: Place, platform: ComponentClient) -> None:
    """Deliver a new component_verify_ticket as the worker does."""
    made = await place.sandbox.component_ticket("platform", push=False)
    assert await platform.deliver_ticket(PLATFORM, made.value, created_at=1_790_000_000)


async def authorize(place: Place, platform: ComponentClient) -> str:
    """Let BAKERY authorise the platform, and return the authorisation code that was exchanged."""
    await deliver_ticket(place, platform)
    made = await place.sandbox.authorize("platform", BAKERY, push=False)
    answer = await platform.authorize(PLATFORM, made.value, authorizer_appid=BAKERY)
    assert (answer.appid, answer.permissions) == (BAKERY, [1, 2, 15])
    return made.value


async def test_a_classic_token_is_fetched_once(place: Place) -> None:
    """Each fetch would end the token before, so a hundred callers of two instances, and later ones, cause one fetch."""
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


async def test_an_invalid_classic_token_is_replaced_once(place: Place) -> None:
    """Concurrent reports at two instances cause one fetch; a report of an old token causes none."""
    async with (
        service(place.settings) as one,
        service(place.settings) as two,
        Client.open(one, place.admin_key) as first,
        Client.open(two, place.admin_key) as second,
    ):
        services = [client.bind(TokenService) for client in (first, second)]
        dead = (await services[0].get(appid=OLD)).access_token
        assert (await services[1].get(appid=OLD)).access_token == dead
        await place.sandbox.invalidate_tokens(OLD)
        answers = await asyncio.gather(
            *(services[number % 2].report_invalid(appid=OLD, token=dead) for number in range(50))
        )
        (fresh,) = {answer.access_token for answer in answers}
        assert await errcode_of(place, fresh) not in BAD_TOKEN
        assert (await services[0].report_invalid(appid=OLD, token=dead)).access_token == fresh
    assert (await place.sandbox.token_counts())[OLD].classic == 2


async def test_wecom_has_a_token_for_each_application(place: Place, clients: Clients) -> None:
    """Two applications of one company have two secrets and two tokens; a revoked token is replaced."""
    sales, staff = await clients.tokens.get(SALES), await clients.tokens.get(STAFF)
    assert sales != staff
    await place.sandbox.invalidate_tokens(SALES)
    assert await clients.tokens.report_invalid(SALES, sales) not in {sales, staff}
    assert await clients.tokens.get(STAFF) == staff
    counts = await place.sandbox.token_counts()
    assert (counts[SALES].wecom, counts[STAFF].wecom) == (2, 1)


async def test_wecom_has_two_tickets_for_pages(clients: Clients) -> None:
    """The ticket of the corp is for `wx.config`, that of the application for `wx.agentConfig` (WeCom reference 4.4)."""
    sales, staff = [await clients.tokens.get_ticket(appid, "jsapi_ticket") for appid in (SALES, STAFF)]
    agents = [await clients.tokens.get_ticket(appid, "agent_ticket") for appid in (SALES, STAFF)]

    assert sales == staff
    assert len({sales, *agents}) == 3
    assert await clients.tokens.get_ticket(SALES, "agent_ticket") == agents[0]
    with pytest.raises(TokenRefused):
        await clients.tokens.get_ticket(SHOP, "agent_ticket")


async def test_a_wrong_secret_of_wecom_has_its_state(place: Place, clients: Clients) -> None:
    """WeCom's error 40001 gives the state `wrong_secret`."""
    await place.sandbox.fault(Fault(path="/wecom/cgi-bin/gettoken", errcode=40001))
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.get(SALES)
    assert caught.value.state == "wrong_secret"


@pytest.mark.parametrize("kind", ["jsapi_ticket", "wx_card_ticket"])
async def test_a_ticket_is_fetched_once(place: Place, clients: Clients, kind: TicketKind) -> None:
    """Fifty callers cause one fetch of the token and one of the ticket; the two kinds have different tickets."""
    tickets = await asyncio.gather(*(clients.tokens.get_ticket(SHOP, kind) for _ in range(50)))
    assert len(set(tickets)) == 1
    other = await clients.tokens.get_ticket(SHOP, "wx_card_ticket" if kind == "jsapi_ticket" else "jsapi_ticket")
    assert other not in tickets
    assert await place.fetched() == 1


async def test_a_ticket_is_fetched_despite_an_invalid_token(place: Place, clients: Clients) -> None:
    """If WeChat refuses the token of the fetch, the token is reported, and the ticket is fetched with its successor."""
    dead = await clients.tokens.get(SHOP)
    await place.sandbox.invalidate_tokens(SHOP)
    assert await clients.tokens.get_ticket(SHOP)
    assert await clients.tokens.report_invalid(SHOP, dead) != dead
    assert await place.fetched() == 2


async def test_a_ticket_that_wechat_returns_again_is_valid(place: Place, clients: Clients) -> None:
    """After a false report WeChat returns the same ticket, and further reports cause no request."""
    ticket = await clients.tokens.get_ticket(SHOP)
    assert await clients.tokens.report_ticket(SHOP, ticket) == ticket
    await place.sandbox.fault(Fault(path="/cgi-bin/ticket/getticket", errcode=45009))
    for _ in range(3):
        assert await clients.tokens.report_ticket(SHOP, ticket) == ticket
    assert await clients.tokens.get_ticket(SHOP) == ticket


async def test_a_platform_without_a_ticket_requests_one(place: Place, clients: Clients) -> None:
    """Callers get an error that names the ticket, and WeChat is asked once to push one."""
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="component_verify_ticket"):
            await clients.tokens.get_component_token(PLATFORM)
    assert await place.sandbox.pushes_started() == {PLATFORM: 1}
    await deliver_ticket(place, clients.platform)
    assert await clients.tokens.get_component_token(PLATFORM)


@pytest.mark.parametrize("errcode", [61005, 61006, 61058])
async def test_a_new_ticket_ends_the_wait_after_a_refused_one(place: Place, clients: Clients, errcode: int) -> None:
    """The platform's token is fetched again in ten minutes, or as soon as the next ticket arrives."""
    await deliver_ticket(place, clients.platform)
    before = (await place.sandbox.pushes_started())[PLATFORM]
    await place.sandbox.fault(Fault(path=component.TOKEN, errcode=errcode))
    with pytest.raises(TokenUnavailable) as caught:
        await clients.tokens.get_component_token(PLATFORM)
    assert 500 < (caught.value.retry_after or 0) <= 720
    assert (await place.sandbox.pushes_started())[PLATFORM] == before + 1
    await deliver_ticket(place, clients.platform)
    assert await clients.tokens.get_component_token(PLATFORM)


async def test_an_older_ticket_does_not_replace_a_newer(place: Place, clients: Clients) -> None:
    """Pushes may arrive in another order, and more than once."""
    new = (await place.sandbox.component_ticket("platform", push=False)).value
    assert await clients.platform.deliver_ticket(PLATFORM, new, created_at=2000)
    assert not await clients.platform.deliver_ticket(PLATFORM, "ticket@@@old", created_at=1999)
    assert await clients.platform.deliver_ticket(PLATFORM, new, created_at=2000)
    assert await clients.tokens.get_component_token(PLATFORM)


async def test_an_authorizer_has_tokens_on_all_instances(place: Place, clients: Clients) -> None:
    """After the exchange of its code, every instance returns a token that WeChat accepts, and a ticket."""
    with pytest.raises(TokenRefused, match="404"):
        await clients.tokens.get(BAKERY)
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    assert await errcode_of(place, token) not in BAD_TOKEN
    assert [one.appid for one in await clients.platform.authorizers(PLATFORM)] == [BAKERY]
    async with service(place.settings) as url, TokenClient.open(url, place.admin_key) as elsewhere:
        assert await elsewhere.get(BAKERY) == token
        assert await elsewhere.get_ticket(BAKERY)


async def test_the_refresh_token_is_replaced_by_each_fetch(place: Place, clients: Clients) -> None:
    """WeChat accepts each refresh token once; three fetches in a row return valid tokens."""
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    for _ in range(3):
        await place.sandbox.invalidate_tokens(BAKERY, family="authorizer")
        before, token = token, await clients.tokens.report_invalid(BAKERY, token)
        assert token != before
    assert await errcode_of(place, token) not in BAD_TOKEN


async def test_a_lost_refresh_token_is_recovered(place: Place, clients: Clients) -> None:
    """If the answer with a new refresh token is lost, the refresh token is read from WeChat."""
    await authorize(place, clients.platform)
    await place.sandbox.fault(Fault(path=component.AUTHORIZER_TOKEN, disconnect=True, effect=True))
    token = await clients.tokens.get(BAKERY)
    assert await errcode_of(place, token) not in BAD_TOKEN
    assert (await place.sandbox.token_counts())[BAKERY].authorizer == 3, "with the code, in vain, and in the end"


async def test_a_code_can_be_delivered_twice(place: Place, clients: Clients) -> None:
    """WeChat exchanges a code once; the same code has the same outcome again."""
    code = await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    assert (await clients.platform.authorize(PLATFORM, code)).appid == BAKERY
    assert await clients.tokens.get(BAKERY) == token


async def test_a_code_whose_answer_was_lost_is_recovered(place: Place, clients: Clients) -> None:
    """If the answer of the exchange is lost, the authorisation is read from WeChat by the appid of the account."""
    await deliver_ticket(place, clients.platform)
    code = (await place.sandbox.authorize("platform", BAKERY, push=False)).value
    await place.sandbox.fault(Fault(path=component.QUERY_AUTH, disconnect=True, effect=True, times=1))
    answer = await clients.platform.authorize(PLATFORM, code, authorizer_appid=BAKERY)
    assert answer.appid == BAKERY
    assert await errcode_of(place, await clients.tokens.get(BAKERY)) not in BAD_TOKEN


async def test_a_wrong_code_is_a_422(place: Place, clients: Clients) -> None:
    """The error has WeChat's reason, and nothing is stored; so it is for an account that has withdrawn meanwhile."""
    code = (await place.sandbox.authorize("platform", BAKERY, push=False)).value
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    await deliver_ticket(place, clients.platform)  # from now on the service reads WeChat's list of accounts, once
    with pytest.raises(RpcFailure, match="61010") as caught:
        await clients.platform.authorize(PLATFORM, "queryauthcode@@@never")
    assert caught.value.status == 422
    for given in (f"{code}x", code):
        with pytest.raises(RpcFailure, match="61003") as caught:
            await clients.platform.authorize(PLATFORM, given, authorizer_appid=BAKERY)
        assert caught.value.status == 422
    assert await clients.platform.authorizers(PLATFORM) == []


async def test_a_withdrawal_deletes_the_tokens(place: Place, clients: Clients) -> None:
    """The state is `reauthorize` until the account authorises again, whatever the clocks say."""
    await authorize(place, clients.platform)
    token = await clients.tokens.get(BAKERY)
    later = 2**40
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    assert await clients.platform.unauthorize(PLATFORM, BAKERY, created_at=later)
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.report_invalid(BAKERY, token)
    assert caught.value.state == "reauthorize"
    assert await clients.platform.authorizers(PLATFORM) == []
    await authorize(place, clients.platform)  # Redis's clock is far behind the time of the withdrawal
    assert await clients.tokens.get(BAKERY) != token
    assert [one.appid for one in await clients.platform.authorizers(PLATFORM)] == [BAKERY]


async def test_an_older_withdrawal_is_ignored(place: Place, clients: Clients) -> None:
    """Events may arrive in another order: an account that authorised later keeps its token."""
    await authorize(place, clients.platform)
    assert not await clients.platform.unauthorize(PLATFORM, BAKERY, created_at=1000)
    assert await clients.tokens.get(BAKERY)


async def test_an_account_with_a_secret_keeps_its_token(place: Place, clients: Clients) -> None:
    """Authorising the platform and withdrawing do not change the token of the account's own secret."""
    await deliver_ticket(place, clients.platform)
    own = await clients.tokens.get(SHOP)
    code = (await place.sandbox.authorize("platform", SHOP, push=False)).value
    assert (await clients.platform.authorize(PLATFORM, code)).appid == SHOP
    async with service(place.settings) as url, TokenClient.open(url, place.key) as elsewhere:
        assert await elsewhere.get(SHOP) == own
        assert await clients.platform.unauthorize(PLATFORM, SHOP, created_at=2**40)
        assert await elsewhere.report_invalid(SHOP, "unknown") == own
    assert (await place.sandbox.token_counts())[SHOP].stable == 1


async def test_a_missed_withdrawal_has_its_state(place: Place, clients: Clients) -> None:
    """If WeChat refuses the refresh token and has no other, the state is `reauthorize`."""
    await authorize(place, clients.platform)
    await place.sandbox.unauthorize("platform", BAKERY, push=False)
    with pytest.raises(TokenRefused) as caught:
        await clients.tokens.get(BAKERY)
    assert caught.value.state == "reauthorize"


async def test_lost_authorizers_are_recovered(place: Place, clients: Clients) -> None:
    """After Redis lost its data, WeChat's list has all authorizers with their refresh tokens."""
    await deliver_ticket(place, clients.platform)
    for number in range(3):
        await place.sandbox.authorize("platform", f"{BAKERY}{number}", push=False)
    assert await clients.platform.recover(PLATFORM) == 3
    assert await clients.platform.recover(PLATFORM) == 0
    assert await errcode_of(place, await clients.tokens.get(f"{BAKERY}2")) not in BAD_TOKEN


async def test_status_shows_platforms_and_authorizers(place: Place, clients: Clients) -> None:
    """The tokens of a platform and of its authorizers have a status like any other credential."""
    await authorize(place, clients.platform)
    await clients.tokens.get(BAKERY)
    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        for appid, kind in ((PLATFORM, "component_access_token"), (BAKERY, "authorizer_access_token")):
            (status,) = (await client.call("token", "status", AccountRequest(appid=appid), StatusList)).credentials
            assert (status.kind, status.valid) == (kind, True)


async def test_each_visitor_gets_its_own_pre_auth_code(place: Place, clients: Clients) -> None:
    """Two calls return two codes, with the lifetime that WeChat states."""
    await deliver_ticket(place, clients.platform)
    codes = [await clients.platform.pre_auth_code(PLATFORM) for _ in range(2)]
    assert codes[0].pre_auth_code != codes[1].pre_auth_code
    assert codes[0].expires_in == 1800


async def test_an_invalid_platform_token_is_replaced_during_a_call(place: Place, clients: Clients) -> None:
    """If WeChat refuses the platform's token, the call is repeated with its successor."""
    await deliver_ticket(place, clients.platform)
    assert (await clients.platform.pre_auth_code(PLATFORM)).pre_auth_code
    await place.sandbox.invalidate_tokens(PLATFORM, family="component")
    assert (await clients.platform.pre_auth_code(PLATFORM)).pre_auth_code
    assert (await place.sandbox.token_counts())[PLATFORM].component == 2


@pytest.mark.parametrize("appid", [SHOP, "wx-nobody"])
async def test_methods_for_platforms_refuse_other_accounts(clients: Clients, appid: str) -> None:
    """Every method of the service `component` returns 404 for an account that is not a platform."""
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


def test_wecom_has_its_own_address() -> None:
    """WeCom's API has another address than WeChat's."""
    assert WeChatApiSettings.model_fields["wecom_api_url"].default == "https://qyapi.weixin.qq.com"


async def test_a_false_report_of_any_kind_changes_nothing(place: Place, clients: Clients) -> None:
    """If WeChat or WeCom accepts the reported token, it stays in use, and none is fetched."""
    await authorize(place, clients.platform)
    for appid in (OLD, SALES, BAKERY, SHOP):
        token = await clients.tokens.get(appid)
        before = await place.sandbox.token_counts()
        for _ in range(3):
            assert await clients.tokens.report_invalid(appid, token) == token
        assert await place.sandbox.token_counts() == before
    before = await place.sandbox.token_counts()
    own = await clients.tokens.get_component_token(PLATFORM)
    assert await clients.tokens.report_component_token(PLATFORM, own) == own
    assert await place.sandbox.token_counts() == before
