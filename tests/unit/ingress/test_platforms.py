"""Third-party platforms: one address for their events, one for each authorizer."""

from collections.abc import Callable

import pytest

from tests.support.pushes import APPID, Push, a_push, a_text
from tests.unit.ingress.conftest import Ingress, an_account
from tests.unit.wechat.vectors import key_of, vector
from wxbus.accounts.models import AccountKind
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format, parse, render
from wxbus.wechat.documents.document import Document

PLATFORM = f"{APPID}-platform"
AUTHORIZER = "wxauthorizer"
TICKET: Document = {
    "AppId": PLATFORM,
    "CreateTime": "1700000000",
    "InfoType": "component_verify_ticket",
    "ComponentVerifyTicket": "ticket@@@x",
}


def a_platform_push(document: Document | None = None, **fields: object) -> Push:
    """A push with the platform's keys: its appid is the receive id of every message."""
    return a_push(document, receive_id=PLATFORM, **fields)  # type: ignore[arg-type]  # what a_push takes


async def test_an_authorizers_message_has_its_appid(ingress: Ingress) -> None:
    """A message at `/wechat/PLATFORM/APPID` has the authorizer's appid, users and lanes."""
    assert await ingress.post(a_platform_push(), account=f"platform/{AUTHORIZER}") == (200, "success")

    [envelope] = ingress.publisher.published
    assert (envelope.account, envelope.appid, envelope.openid) == ("platform", AUTHORIZER, "o_user")
    assert (envelope.lane, envelope.dedup_id) == (f"{AUTHORIZER}:o_user", f"{AUTHORIZER}:m:o_user:23456789012345678")
    assert ingress.counted("platform", "accepted") == 1


async def test_a_listed_authorizer_has_its_name(ingress: Ingress) -> None:
    """An authorizer in the accounts file has its name there."""
    appid = f"{APPID}-listed"

    assert await ingress.post(a_platform_push(), account=f"platform/{appid}") == (200, "success")

    [envelope] = ingress.publisher.published
    assert (envelope.account, envelope.appid) == ("listed", appid)
    assert ingress.counted("listed", "accepted") == 1


async def test_the_platforms_events_have_a_lane_without_a_user(ingress: Ingress) -> None:
    """Events of the platform itself have a lane of their own and no user (protocol reference 6.3)."""
    assert await ingress.post(a_platform_push(TICKET), account="platform") == (200, "success")

    [envelope] = ingress.publisher.published
    assert (envelope.account, envelope.appid, envelope.openid) == ("platform", PLATFORM, None)
    assert envelope.lane == f"{PLATFORM}:component_verify_ticket"
    assert b"ticket@@@x" in envelope.body


@pytest.mark.parametrize(("place", "document"), [("platform", a_text()), (f"platform/{AUTHORIZER}", TICKET)])
async def test_each_address_accepts_one_kind_of_message(ingress: Ingress, place: str, document: Document) -> None:
    """Swapped addresses in the console are refused: the wrong appid would answer users."""
    status, text = await ingress.post(a_platform_push(document), account=place)

    assert status == 400
    assert "/wechat/PLATFORM/$APPID$" in text
    assert not ingress.publisher.published


@pytest.mark.parametrize(
    ("place", "made"),
    [
        (f"platform/{AUTHORIZER}", lambda: a_push(receive_id=AUTHORIZER)),
        (f"platform/{AUTHORIZER}", lambda: a_push(mode=Mode.PLAIN)),
        (f"platform/{AUTHORIZER}", lambda: a_platform_push(mode=Mode.COMPATIBLE)),
        ("listed", lambda: a_push(receive_id=f"{APPID}-listed")),
        ("listed", a_platform_push),
    ],
)
async def test_only_the_platforms_keys_are_accepted(ingress: Ingress, place: str, made: Callable[[], Push]) -> None:
    """The push must be secure, encrypted for the platform, and not at the authorizer's own address."""
    assert await ingress.post(made(), account=place) == (403, "the signature is not valid\n")
    assert not ingress.publisher.published


async def test_a_platform_cannot_send_for_other_accounts(ingress: Ingress) -> None:
    """The platform's keys are not valid for an account that did not authorize it."""
    status, _ = await ingress.post(a_platform_push(), account=f"platform/{APPID}")

    assert status == 404
    assert not ingress.publisher.published


async def test_a_platform_accepts_xml_only(ingress: Ingress) -> None:
    """WeChat sends XML to third-party platforms (protocol reference 1.1)."""
    push = a_platform_push(format=Format.JSON)

    assert await ingress.post(push, account=f"platform/{AUTHORIZER}") == (400, "this account does not accept JSON\n")


@pytest.mark.parametrize("place", ["platform", f"platform/{AUTHORIZER}", f"platform/{APPID}-listed", "listed"])
async def test_its_pages_show_both_addresses(ingress: Ingress, place: str) -> None:
    """Both pages show both addresses."""
    async with ingress.http.get(f"{ingress.url}/wechat/{place}") as answer:
        text = await answer.text()

    assert answer.status == 200
    assert "/$APPID$" in text


@pytest.mark.parametrize("name", ["A5", "T1", "T2"])
async def test_official_examples_are_accepted(ingress: Ingress, name: str) -> None:
    """The examples in WeChat's documents are accepted at their address (vectors A5, T1, T2)."""
    example, key = vector(name), key_of(vector(name))
    account = an_account(
        "platform",
        kind=AccountKind.COMPONENT,
        appid=example["receive_id"],
        token=key.token,
        aes_key=key.aes_key,
        formats=("xml",),
    )
    document = parse(example["plaintext"].encode())
    body = render({"AppId": example["receive_id"], "Encrypt": example["encrypt"]}, Format.XML)
    query = {name: example[name] for name in ("timestamp", "nonce", "msg_signature")} | {"encrypt_type": "aes"}
    ingress.change_accounts(account)
    ingress.clock.stopped_at = float(example["timestamp"])

    place = "platform" if "InfoType" in document else f"platform/{AUTHORIZER}"
    assert await ingress.post(Push(query, body), account=place) == (200, "success")
