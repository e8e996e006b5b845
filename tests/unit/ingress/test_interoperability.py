"""wechatpy, which knows nothing of us, as the other side: it seals what we take and opens what we seal."""

import time

import pytest
import wechatpy
import xmltodict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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

KEY = CallbackKey(token=TOKEN, aes_key=AES_KEY)
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
async def test_we_take_what_it_seals(
    ingress: Ingress, place: str, crypto: WeChatCrypto | WeComCrypto, content: str
) -> None:
    """Secure mode as another implementation reads the documents: signature, padding, lengths in bytes, receive id."""
    assert await ingress.post(their_push(crypto, content), account=place) == (200, "success")
    assert document_from_json(ingress.publisher.published[-1].body) == a_text(content)


async def test_we_refuse_what_it_seals_for_another(ingress: Ingress) -> None:
    """Its receive id is ours to check."""
    status, _ = await ingress.post(their_push(WeChatCrypto(TOKEN, AES_KEY, "wxother"), "hello"), account="shop")

    assert status == 403


@pytest.mark.parametrize("crypto", [WeChatCrypto(TOKEN, AES_KEY, APPID), WeComCrypto(TOKEN, AES_KEY, APPID)])
@quick
@given(content=contents.filter(bool))
def test_it_opens_what_we_seal(crypto: WeChatCrypto | WeComCrypto, content: str) -> None:
    """A passive reply, sealed by us, is opened and read by it; signed for another moment it is refused."""
    receiver = CallbackCrypto([KEY], APPID, [Mode.SECURE], ["xml"], wecom=isinstance(crypto, WeComCrypto))
    body = render(passive_reply(Text(content), parse_message(a_text()), created_at=1700000001), Format.XML)
    sealed = receiver.seal(body, Format.XML, timestamp=1700000001, nonce=NONCE).decode()
    signature = xmltodict.parse(sealed)["xml"]["MsgSignature"]

    opened = crypto.decrypt_message(sealed, signature, "1700000001", NONCE)

    reply = wechatpy.parse_message(opened)
    assert (reply.type, reply.content, reply.source, reply.target) == ("text", content, "gh_shop", "o_user")
    with pytest.raises(InvalidSignatureException):
        crypto.decrypt_message(sealed, signature, "1700000002", NONCE)


async def test_wecoms_echo_is_the_same_for_both(ingress: Ingress) -> None:
    """We answer WeCom's verification with what it would answer."""
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
