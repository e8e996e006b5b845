"""Signatures of cards in the JS-SDK."""

import json
from hashlib import sha1

from wechatpy.client import WeChatClient
from wechatpy.client.api.jsapi import WeChatJSAPI

from wxbus.wechat.crypto.cards import sign_card, sign_card_choice

TICKET = "ojZ8YtyVyr30HheH3CM73y7h4jJE"


def test_the_values_of_a_card_are_signed_in_the_order_of_their_bytes() -> None:
    """Capital letters come before small ones, as bytes and unlike in a dictionary; the text has no separators."""
    signed = sign_card("bT", "Ca", code="c1", openid="oB", noncestr="Nn", timestamp=14)
    assert json.loads(signed) == {
        "code": "c1",
        "openid": "oB",
        "timestamp": "14",
        "nonce_str": "Nn",
        "signature": sha1(b"14CaNnbTc1oB").hexdigest(),  # noqa: S324 - what WeChat requires
    }


def test_empty_values_do_not_count_and_defaults_are_fresh() -> None:
    """A card without code; two signatures differ in their nonce, and the ticket is in none of them."""
    first, second = (json.loads(sign_card(TICKET, "card")) for _ in range(2))
    assert first["nonce_str"] != second["nonce_str"]
    assert first["signature"] != second["signature"]
    assert first.keys() == {"timestamp", "nonce_str", "signature"}


def test_the_choice_of_an_invoice_is_signed_as_wechatpy_does() -> None:
    """`chooseInvoice`: ticket, appid, nonce, time and "INVOICE"."""
    jsapi = WeChatJSAPI(WeChatClient("wx1", "secret"))
    theirs = jsapi.get_jsapi_card_params(TICKET, "INVOICE", noncestr="n", timestamp="1")
    ours = sign_card_choice(TICKET, "wx1", card_type="INVOICE", noncestr="n", timestamp=1)
    assert ours.signature == theirs["sign"]
    assert ours.as_json() == {"timestamp": 1, "nonceStr": "n", "signType": "SHA1", "cardSign": theirs["sign"]}
