"""Who may do what: every kind of key, each method, each account, over both transports."""

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from tests.support.token_service import CAFE, SHOP, Place, service
from wxbus.bus.topology import Topology
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.keys import new_key
from wxbus.rpc.tokens import ReportInvalidRequest, TokenAnswer, TokenRequest
from wxbus_token.settings import CallsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

UNKNOWN = "wx9999999999999999"
STAR = "*"
"""As an appid: what a caller sends is never a pattern."""
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
async def test_a_key_opens_what_its_scopes_say_and_nothing_else(
    place: Place, tmp_path: Path, amqp_url: str, topology: Topology, transport: str
) -> None:
    """403 is told before 404: who may not ask for an account does not learn whether there is one."""
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


@pytest.mark.parametrize("transport", ["http", "amqp"])
async def test_a_key_that_was_taken_out_opens_nothing(
    place: Place, amqp_url: str, topology: Topology, transport: str
) -> None:
    """A key of the right form that is not in the file, and one with another's prefix, are 401 for everything."""
    stranger, _ = new_key("worker", ["token:*:*"])
    forged = place.key.rpartition("_")[0] + "_" + stranger.rpartition("_")[2]
    calls = CallsSettings(amqp_url=SecretStr(amqp_url), namespace=topology.namespace)
    async with service(place.settings.model_copy(update={"calls": calls})) as url:
        for key in (stranger, forged[: len(stranger)], "x"):
            async with Client.open(url if transport == "http" else amqp_url, key, topology=topology) as client:
                assert await status_of(client, "get", TokenRequest(appid=SHOP)) == 401
    assert await place.fetched() == 0
