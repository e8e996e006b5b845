"""Scopes: every kind of key, each method, each account, over both transports."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from pydantic import BaseModel, SecretStr

from tests.support.token_service import CAFE, SHOP, Place, service
from wxbus.bus.topology import Topology
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.auth.keys import new_key
from wxbus.tokens.messages import ReportInvalidRequest, TokenAnswer, TokenRequest
from wxbus_token.settings import CallsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

UNKNOWN = "wx9999999999999999"
STAR = "*"
"""As an appid: `*` in a request is not a pattern."""
ACCOUNTS = (SHOP, CAFE, UNKNOWN, STAR)
FOUND = {SHOP: 200, CAFE: 200, UNKNOWN: 404, STAR: 404}

EVERYTHING = frozenset(ACCOUNTS)
ALLOWED: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {
    # scopes: the accounts for which the key may get, and report
    ("other:get:*",): (frozenset(), frozenset()),
    ("token:get",): (frozenset(), frozenset()),
    ("*",): (frozenset(), frozenset()),
    ("token:get:*:*",): (frozenset(), frozenset()),
    ("token:GET:*",): (frozenset(), frozenset()),
    (f"token:get:{SHOP}",): (frozenset({SHOP}), frozenset()),
    (f"token:report_invalid:{SHOP}",): (frozenset(), frozenset({SHOP})),
    (f"token:get:{SHOP}", f"token:report_invalid:{CAFE}"): (frozenset({SHOP}), frozenset({CAFE})),
    (f"token:get:{SHOP}", f"token:get:{CAFE}"): (frozenset({SHOP, CAFE}), frozenset()),
    (f"token:*:{CAFE}",): (frozenset({CAFE}), frozenset({CAFE})),
    ("token:get:*",): (EVERYTHING, frozenset()),
    ("token:*:*",): (EVERYTHING, EVERYTHING),
    ("*:*:*",): (EVERYTHING, EVERYTHING),
}


async def status_of(client: Client, method: str, request: BaseModel) -> int:
    """Return the status of a call."""
    try:
        await client.call("token", method, request, TokenAnswer)
    except RpcFailure as exc:
        return exc.status
    return 200


@pytest.mark.parametrize("transport", ["http", "amqp"])
async def test_a_key_has_exactly_its_scopes(
    place: Place, tmp_path: Path, amqp_url: str, topology: Topology, transport: str
) -> None:
    """A caller without the scope gets 403 before 404, so that it does not learn whether an account exists."""
    made = {scopes: new_key(f"key{number}", scopes) for number, scopes in enumerate(ALLOWED)}
    (tmp_path / "keys.toml").write_text("\n\n".join(entry.as_toml() for _, entry in made.values()))
    calls = CallsSettings(amqp_url=SecretStr(amqp_url), namespace=topology.namespace)
    found, expected = {}, {}
    async with service(place.settings.model_copy(update={"calls": calls})) as url:
        for scopes, (key, _) in made.items():
            async with Client.open(url if transport == "http" else amqp_url, key, topology=topology) as client:
                for appid in ACCOUNTS:
                    get, report = ALLOWED[scopes]
                    cell = (scopes, appid)
                    expected[cell] = tuple(FOUND[appid] if appid in may else 403 for may in (get, report))
                    found[cell] = (
                        await status_of(client, "get", TokenRequest(appid=appid)),
                        await status_of(client, "report_invalid", ReportInvalidRequest(appid=appid, token="odd")),
                    )
    assert found == expected
    assert await place.fetched(SHOP) == await place.fetched(CAFE) == 1, "a report of an unknown token costs nothing"


ABOUT_SHOP = {"appid": SHOP}
ABOUT_KEY = {"name": "reports"}
TICKET = {"kind": "jsapi_ticket", **ABOUT_SHOP}
EVERY_METHOD: dict[str, tuple[str, Mapping[str, object]]] = {
    # path: the required scope, and a valid request
    "token/get": (f"token:get:{SHOP}", ABOUT_SHOP),
    "token/report_invalid": (f"token:report_invalid:{SHOP}", {"token": "odd", **ABOUT_SHOP}),
    "token/get_credential": (f"token:jsapi_ticket:{SHOP}", TICKET),
    "token/report_credential": (f"token:jsapi_ticket:{SHOP}", {"value": "odd", **TICKET}),
    "token/status": (f"token:status:{SHOP}", ABOUT_SHOP),
    "token/status_all": ("token:status:all", {}),
    "token/refresh": (f"token:refresh:{SHOP}", ABOUT_SHOP),
    "login/exchange": (f"login:exchange:{SHOP}", {"code": "c", **ABOUT_SHOP}),
    "quota/reset": (f"quota:reset:{SHOP}", ABOUT_SHOP),
    "login/exchange_web": (f"login:exchange_web:{SHOP}", {"code": "c", **ABOUT_SHOP}),
    "login/refresh_web": (f"login:refresh_web:{SHOP}", {"refresh_token": "r", **ABOUT_SHOP}),
    "component/deliver_ticket": (f"component:deliver_ticket:{SHOP}", {"ticket": "t", "created_at": 1, **ABOUT_SHOP}),
    "component/authorize": (f"component:authorize:{SHOP}", {"authorization_code": "c", **ABOUT_SHOP}),
    "component/unauthorize": (
        f"component:unauthorize:{SHOP}",
        {"authorizer_appid": CAFE, "created_at": 1, **ABOUT_SHOP},
    ),
    "component/authorizers": (f"component:authorizers:{SHOP}", ABOUT_SHOP),
    "component/pre_auth_code": (f"component:pre_auth_code:{SHOP}", ABOUT_SHOP),
    "component/recover": (f"component:recover:{SHOP}", ABOUT_SHOP),
    "accounts/add": (
        f"accounts:add:{SHOP}",
        {"name": "new", "kind": "official_account", "secret": "s", **ABOUT_SHOP},
    ),
    "accounts/rotate": (f"accounts:rotate:{SHOP}", {"secret": "s", **ABOUT_SHOP}),
    "accounts/remove": (f"accounts:remove:{SHOP}", ABOUT_SHOP),
    "accounts/list": ("accounts:list:all", {}),
    "keys/rotate": ("keys:rotate:reports", ABOUT_KEY),
    "keys/revoke": ("keys:revoke:reports", ABOUT_KEY),
    "keys/add": ("keys:add:reports", {"scopes": ["keys:add:reports"], **ABOUT_KEY}),
    "keys/list": ("keys:list:all", {}),
}


async def test_every_method_has_its_own_scope(place: Place, tmp_path: Path) -> None:
    """No method accepts a call without key, with all other scopes, or with its own scope for another resource."""
    scopes = sorted({scope for scope, _ in EVERY_METHOD.values()})
    entries = []

    def made(name: str, *granted: str) -> str:
        key, entry = new_key(name, granted)
        entries.append(entry.as_toml())
        return key

    own = {scope: made("own", scope) for scope in scopes}
    others = {scope: made("others", *(each for each in scopes if each != scope)) for scope in scopes}
    elsewhere = {scope: made("elsewhere", f"{scope.rpartition(':')[0]}:elsewhere") for scope in scopes}
    (tmp_path / "keys.toml").write_text("\n\n".join(entries))
    async with service(place.settings) as url, aiohttp.ClientSession() as http:

        async def status(path: str, body: object, key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            async with http.post(f"{url}/rpc/{path}", json=body, headers=headers) as answer:
                return answer.status

        async with http.get(f"{url}/openapi.json") as answer:
            assert {path.removeprefix("/rpc/") for path in (await answer.json())["paths"]} == EVERY_METHOD.keys()
        for path, (scope, body) in EVERY_METHOD.items():
            keys = ("", others[scope], elsewhere[scope])
            assert [await status(path, body, key) for key in keys] == [401, 403, 403], path
            assert await status(path, body, own[scope]) in {200, 404, 409, 422}, path


@pytest.mark.parametrize("transport", ["http", "amqp"])
async def test_an_unknown_key_is_a_401(place: Place, amqp_url: str, topology: Topology, transport: str) -> None:
    """A well-formed key that is not in the file, or that has the prefix of another key, is refused."""
    stranger, _ = new_key("worker", ["token:*:*"])
    forged = place.key.rpartition("_")[0] + "_" + stranger.rpartition("_")[2]
    calls = CallsSettings(amqp_url=SecretStr(amqp_url), namespace=topology.namespace)
    async with service(place.settings.model_copy(update={"calls": calls})) as url:
        for key in (stranger, forged[: len(stranger)], "x"):
            async with Client.open(url if transport == "http" else amqp_url, key, topology=topology) as client:
                assert await status_of(client, "get", TokenRequest(appid=SHOP)) == 401
    assert await place.fetched() == 0
