"""Pushes of WeCom, the health probe of cloud hosting, and the test event of the console."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.pushes import AES_KEY, APPID, TOKEN, Push
from tests.unit.ingress.conftest import Ingress, an_account
from tests.unit.wechat.vectors import key_of, vector
from wxbus.accounts.models import Account, AccountKind
from wxbus.wechat.callbacks.crypto import CallbackCrypto
from wxbus.wechat.callbacks.keys import CallbackKey
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format, document_from_json, parse, render

REFUSED = (403, "the signature is not valid\n")
KEY = CallbackKey(token=SecretStr(TOKEN), aes_key=SecretStr(AES_KEY))
PROBES = [b'{"action":"CheckContainerPath"}', b"<xml><action>CheckContainerPath</action></xml>"]


def wecom(example: dict[str, Any], **fields: object) -> Account:
    """WeCom's account of a known push."""
    key = key_of(example)
    return an_account(
        "corp",
        **{
            "kind": AccountKind.WECOM,
            "appid": example["receive_id"],
            "token": key.token,
            "aes_key": key.aes_key,
            **fields,
        },
    )


def wecom_push(plaintext: bytes, receive_id: str, *, wrap: Callable[[str], bytes]) -> Push:
    """A push as WeCom makes it: no `signature`, no `encrypt_type`."""
    encrypted, now = Cipher(AES_KEY, receive_id).encrypt(plaintext), str(int(time.time()))
    query = {"msg_signature": sign(TOKEN, now, "n", encrypted), "timestamp": now, "nonce": "n"}
    return Push(query, wrap(encrypted))


async def test_wecom_url_is_verified(ingress: Ingress) -> None:
    """The answer to WeCom's GET is the decrypted echo, if the signature is valid (vector W1)."""
    example = vector("W1")
    ingress.change_accounts(wecom(example))
    ingress.clock.stopped_at = float(example["timestamp"])
    query = {name: example[name] for name in ("msg_signature", "timestamp", "nonce")} | {"echostr": example["encrypt"]}
    url = f"{ingress.url}/wechat/corp"

    async with ingress.http.get(url, params=query) as answer:
        assert (answer.status, await answer.text()) == (200, example["plaintext"])
    async with ingress.http.get(url, params=query | {"nonce": "1"}) as answer:
        assert (answer.status, await answer.text()) == REFUSED


async def test_a_wecom_message_is_accepted(ingress: Ingress) -> None:
    """A push of WeCom is encrypted for the corpid (vector W2)."""
    example = vector("W2")
    ingress.change_accounts(wecom(example))
    ingress.clock.stopped_at = float(example["timestamp"])
    query = {name: example[name] for name in ("msg_signature", "timestamp", "nonce")}
    body = render({"ToUserName": example["receive_id"], "AgentID": "1", "Encrypt": example["encrypt"]}, Format.XML)

    assert await ingress.post(Push(query, body), account="corp") == (200, "success")

    [envelope] = ingress.publisher.published
    assert document_from_json(envelope.body) == parse(example["plaintext"].encode())
    assert envelope.lane == f"{example['receive_id']}:messense"


def test_a_wecom_reply_can_be_decrypted() -> None:
    """An encrypted reply has the corpid and the original text (as in vector W3)."""
    example = vector("W3")
    crypto = CallbackCrypto([key_of(example)], example["receive_id"], (), ("xml",), wecom=True)
    sealed = parse(
        crypto.seal(
            example["plaintext"].encode(), Format.XML, timestamp=int(example["timestamp"]), nonce=example["nonce"]
        )
    )
    cipher = Cipher(example["encoding_aes_key"], example["receive_id"])

    assert cipher.decrypt(str(sealed["Encrypt"])) == cipher.decrypt(example["encrypt"]) == example["plaintext"].encode()
    assert sealed["MsgSignature"] == sign(
        example["token"], *(str(sealed[name]) for name in ("TimeStamp", "Nonce", "Encrypt"))
    )
    assert example["msg_signature"] == sign(
        example["token"], example["timestamp"], example["nonce"], example["encrypt"]
    )


@pytest.mark.parametrize(("receive_id", "sealed_for"), [(None, f"{APPID}-corp"), ("ww1", "ww1")])
async def test_wecom_receive_ids(ingress: Ingress, receive_id: str | None, sealed_for: str) -> None:
    """The receive id is the corpid or the suiteid, as the account is configured (protocol reference 1.6)."""
    ingress.change_accounts(an_account("corp", kind=AccountKind.WECOM, receive_id=receive_id))
    text = b"<xml><FromUserName>o_user</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>"

    def wrap(encrypted: str) -> bytes:
        return render({"Encrypt": encrypted}, Format.XML)

    assert await ingress.post(wecom_push(text, sealed_for, wrap=wrap), account="corp") == (200, "success")
    assert await ingress.post(wecom_push(text, "wwother", wrap=wrap), account="corp") == REFUSED


def wrapped(encrypted: str) -> bytes:
    """Return the body around what is encrypted."""
    return render({"Encrypt": encrypted}, Format.XML)


SUITE = "ww-suite"
PROVIDER = "ww-provider"
INSTRUCTION = b"<xml><SuiteId>ww-suite</SuiteId><InfoType>suite_ticket</InfoType><SuiteTicket>t</SuiteTicket></xml>"


def member_says(corpid: str) -> bytes:
    """Return a message of a member of a customer."""
    header = f"<ToUserName>{corpid}</ToUserName><FromUserName>zhangsan</FromUserName><MsgType>text</MsgType>"
    return f"<xml>{header}<CreateTime>1</CreateTime><Content>hi</Content><MsgId>1</MsgId></xml>".encode()


async def test_a_suites_address_accepts_all_of_wecoms_receive_ids(ingress: Ingress) -> None:
    """The verification is encrypted for the provider, instructions for the suite, data for a customer."""
    ingress.change_accounts(an_account("corp", kind=AccountKind.WECOM, appid=SUITE, provider_corpid=PROVIDER))
    echo = wecom_push(b"echo", PROVIDER, wrap=str.encode)
    query = echo.query | {"echostr": echo.body.decode()}

    async with ingress.http.get(f"{ingress.url}/wechat/corp", params=query) as answer:
        assert (answer.status, await answer.text()) == (200, "echo")
    for plaintext, receive_id in (
        (INSTRUCTION, SUITE),
        (INSTRUCTION, PROVIDER),
        (member_says("ww-one"), "ww-one"),
        (member_says("ww-two"), "ww-two"),
    ):
        push = wecom_push(plaintext, receive_id, wrap=wrapped)
        assert await ingress.post(push, account="corp") == (200, "success")

    assert [(envelope.account, envelope.lane) for envelope in ingress.publisher.published] == [
        ("corp", f"{SUITE}:suite_ticket"),
        ("corp", f"{SUITE}:suite_ticket"),
        ("corp", "ww-one:zhangsan"),
        ("corp", "ww-two:zhangsan"),
    ]


async def test_a_suite_refuses_other_receive_ids(ingress: Ingress) -> None:
    """A push for a corp that the document does not name is refused, and a verification for a customer."""
    ingress.change_accounts(an_account("corp", kind=AccountKind.WECOM, appid=SUITE, provider_corpid=PROVIDER))
    for plaintext, receive_id in ((member_says("ww-one"), "ww-two"), (INSTRUCTION, "ww-one"), (member_says(""), "")):
        push = wecom_push(plaintext, receive_id, wrap=wrapped)
        assert await ingress.post(push, account="corp") == REFUSED
    echo = wecom_push(b"echo", "ww-one", wrap=str.encode)
    query = echo.query | {"echostr": echo.body.decode()}
    async with ingress.http.get(f"{ingress.url}/wechat/corp", params=query) as answer:
        assert (answer.status, await answer.text()) == REFUSED


def test_a_suite_answers_the_customer() -> None:
    """A reply to a customer's member is encrypted for that customer, as the push was."""
    crypto = CallbackCrypto([KEY], SUITE, (), ("xml",), wecom=True, provider=PROVIDER)
    push = wecom_push(member_says("ww-one"), "ww-one", wrap=wrapped)
    opened = crypto.open(CallbackQuery.from_mapping(push.query), push.body)
    sealed = parse(crypto.seal(b"<xml/>", Format.XML, timestamp=1, nonce="n", customer=opened.customer))

    assert Cipher(AES_KEY, "ww-one").decrypt(str(sealed["Encrypt"])) == b"<xml/>"


async def test_whitespace_in_the_outer_body_is_ignored(ingress: Ingress) -> None:
    """WeCom writes the outer body on several lines; blanks around CDATA are not signed."""
    ingress.change_accounts(an_account("corp", kind=AccountKind.WECOM, receive_id="ww1"))

    def spread(encrypted: str) -> bytes:
        return f"<xml>\r\n <Encrypt>\r\n  <![CDATA[{encrypted}]]>\n </Encrypt>\n</xml>\n".encode()

    push = wecom_push(member_says("ww1"), "ww1", wrap=spread)
    assert await ingress.post(push, account="corp") == (200, "success")


async def test_a_smart_robots_push_is_accepted(ingress: Ingress) -> None:
    """Smart robots send `encrypt` in lower case, as JSON, for an empty receive id (protocol reference 1.4, 1.6).

    An empty body is no answer; feedback wants no other, so ingress does not wait for a worker.
    """
    ingress.change_accounts(an_account("corp", kind=AccountKind.WECOM, receive_id=""))
    robot: dict[str, object] = {"msgid": "m1", "aibotid": "b1", "chattype": "single", "from": {"userid": "u1"}}
    robot |= {"msgtype": "event", "event": {"eventtype": "feedback_event"}}
    push = wecom_push(json.dumps(robot).encode(), "", wrap=lambda text: json.dumps({"encrypt": text}).encode())

    assert await ingress.post(push, account="corp") == (200, "")
    [envelope] = ingress.publisher.published
    assert document_from_json(envelope.body) == robot
    assert (envelope.openid, envelope.lane) == ("u1", f"{APPID}-corp:u1")


def test_a_smart_robot_is_answered_in_lower_case() -> None:
    """An encrypted reply to a robot has lower-case names."""
    crypto = CallbackCrypto([KEY], "", (), ("json",), wecom=True)
    sealed = json.loads(crypto.seal(b"{}", Format.JSON, timestamp=1, nonce="n"))

    assert sorted(sealed) == ["encrypt", "msgsignature", "nonce", "timestamp"]
    assert Cipher(AES_KEY, "").decrypt(sealed["encrypt"]) == b"{}"


@pytest.mark.parametrize("body", PROBES)
async def test_the_probe_of_cloud_hosting_is_answered(ingress: Ingress, body: bytes) -> None:
    """The unsigned health probe of cloud hosting is answered and not published (protocol reference 1.7)."""
    ingress.change_accounts(an_account("cloud", cloud_hosting=True))

    assert await ingress.post(Push({}, body), account="cloud") == (200, "success")
    assert not ingress.publisher.published


@pytest.mark.parametrize(
    ("cloud_hosting", "body"),
    [
        *((False, body) for body in PROBES),
        (True, b'{"action":"CheckContainerPath","MsgType":"text"}'),
        (True, b'{"action":"CheckContainer"}'),
        (True, render({"action": "CheckContainerPath", "Content": "x" * 300}, Format.XML)),
    ],
)
async def test_no_other_unsigned_body_is_accepted(ingress: Ingress, cloud_hosting: bool, body: bytes) -> None:
    """Only the exact probe is answered, and only for an account with `cloud_hosting`."""
    ingress.change_accounts(an_account("cloud", cloud_hosting=cloud_hosting))

    assert await ingress.post(Push({}, body), account="cloud") == REFUSED


async def test_the_test_event_of_the_console_is_a_normal_event(ingress: Ingress) -> None:
    """`debug_demo` is published and acknowledged (1.7, vector A3)."""
    example = vector("A3")
    key = CallbackKey(token=example["token"], aes_key=example["encoding_aes_key"])
    ingress.change_accounts(an_account("mini", appid=example["receive_id"], token=key.token, aes_key=key.aes_key))
    ingress.clock.stopped_at = float(example["timestamp"])
    query = {name: example[name] for name in ("msg_signature", "timestamp", "nonce")} | {"encrypt_type": "aes"}
    body = render({"ToUserName": "gh_97417a04a28d", "Encrypt": example["encrypt"]}, Format.JSON)

    assert await ingress.post(Push(query, body), account="mini") == (200, "success")

    document = document_from_json(ingress.publisher.published[0].body)
    assert (document["Event"], document["debug_str"]) == ("debug_demo", "hello world")
