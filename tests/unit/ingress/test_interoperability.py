"""wechatpy as an independent implementation: each side opens what the other encrypts."""

import time

import pytest
import wechatpy
import xmltodict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise.crypto import PrpCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as WeComCrypto
from wechatpy.exceptions import InvalidSignatureException

from tests.support.pushes import AES_KEY, APPID, TOKEN, Push, a_text
from tests.unit.ingress.conftest import Ingress
from wxbus.wechat import parse_message
from wxbus.wechat.callbacks.crypto import CallbackCrypto
from wxbus.wechat.callbacks.keys import CallbackKey, Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format, document_from_json, render
from wxbus.wechat.replies.passive import passive_reply
from wxbus.wechat.replies.reply import Text

KEY = CallbackKey(token=SecretStr(TOKEN), aes_key=SecretStr(AES_KEY))
NONCE = "415670741"
contents = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=300).map(str.strip)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def their_push(crypto: WeChatCrypto | WeComCrypto, content: str) -> Push:
    """A push that wechatpy has sealed."""
    now = str(int(time.time()))
    sealed = crypto.encrypt_message(render(a_text(content), Format.XML).decode(), NONCE, now)
    query = {"timestamp": now, "nonce": NONCE, "msg_signature": xmltodict.parse(sealed)["xml"]["MsgSignature"]}
    if isinstance(crypto, WeChatCrypto):
        query["encrypt_type"] = "aes"
    return Push(query, sealed.encode())


@pytest.mark.parametrize(
    ("place", "crypto"),
    [
        ("shop", WeChatCrypto(TOKEN, AES_KEY, f"{APPID}-shop")),
        ("corp", WeComCrypto(TOKEN, AES_KEY, f"{APPID}-corp")),
        ("platform/wxauthorizer", WeChatCrypto(TOKEN, AES_KEY, f"{APPID}-platform")),
    ],
)
@quick
@given(content=contents)
async def test_its_pushes_are_accepted(
    ingress: Ingress, place: str, crypto: WeChatCrypto | WeComCrypto, content: str
) -> None:
    """Secure mode: signature, padding, lengths in bytes and receive id agree."""
    assert await ingress.post(their_push(crypto, content), account=place) == (200, "success")
    assert document_from_json(ingress.publisher.published[-1].body) == a_text(content)


async def test_its_pushes_for_another_account_are_refused(ingress: Ingress) -> None:
    """A push whose receive id is that of another account is refused."""
    status, _ = await ingress.post(their_push(WeChatCrypto(TOKEN, AES_KEY, "wxother"), "hello"), account="shop")

    assert status == 403


@pytest.mark.parametrize("crypto", [WeChatCrypto(TOKEN, AES_KEY, APPID), WeComCrypto(TOKEN, AES_KEY, APPID)])
@quick
@given(content=contents.filter(bool))
def test_it_opens_our_replies(crypto: WeChatCrypto | WeComCrypto, content: str) -> None:
    """It opens an encrypted passive reply, and refuses one with another timestamp."""
    receiver = CallbackCrypto([KEY], APPID, [Mode.SECURE], ["xml"], wecom=isinstance(crypto, WeComCrypto))
    body = render(passive_reply(Text(content), parse_message(a_text()), created_at=1700000001), Format.XML)
    sealed = receiver.seal(body, Format.XML, timestamp=1700000001, nonce=NONCE).decode()
    signature = xmltodict.parse(sealed)["xml"]["MsgSignature"]

    opened = crypto.decrypt_message(sealed, signature, "1700000001", NONCE)

    reply = wechatpy.parse_message(opened)
    assert (reply.type, reply.content, reply.source, reply.target) == ("text", content, "gh_shop", "o_user")
    with pytest.raises(InvalidSignatureException):
        crypto.decrypt_message(sealed, signature, "1700000002", NONCE)


async def test_the_echo_of_wecom_is_the_same(ingress: Ingress) -> None:
    """The answer to WeCom's verification equals its answer."""
    now, receive_id = str(int(time.time())), f"{APPID}-corp"
    crypto = WeComCrypto(TOKEN, AES_KEY, receive_id)
    for echo in (
        PrpCrypto(crypto.key).encrypt("5927782", receive_id).decode(),
        Cipher(AES_KEY, receive_id).encrypt(b"59"),
    ):
        query = {"msg_signature": sign(TOKEN, now, NONCE, echo), "timestamp": now, "nonce": NONCE, "echostr": echo}
        async with ingress.http.get(f"{ingress.url}/wechat/corp", params=query) as answer:
            expected = crypto.check_signature(query["msg_signature"], now, NONCE, echo)
            assert (answer.status, await answer.text()) == (200, expected)
