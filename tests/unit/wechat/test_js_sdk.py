"""What pages configure the JS-SDK with."""

from wxbus.wechat.crypto.js_sdk import sign_page

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
PAGE = "http://mp.weixin.qq.com?params=value"


def test_the_signature_is_that_of_wechats_own_example() -> None:
    """Known answer of WeChat's documentation; what stands after # does not count."""
    for url in (PAGE, f"{PAGE}#there"):
        signed = sign_page("wx1", TICKET, url, noncestr="Wm3WZYTPz0wzccnW", timestamp=1414587457)
        assert signed.as_json() == {
            "appId": "wx1",
            "timestamp": 1414587457,
            "nonceStr": "Wm3WZYTPz0wzccnW",
            "signature": "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
        }


def test_each_page_has_a_nonce_of_its_own() -> None:
    """Without one given it is random, and the ticket is nowhere in what the page gets."""
    one, two = sign_page("wx1", TICKET, PAGE), sign_page("wx1", TICKET, PAGE)
    assert one.noncestr != two.noncestr
    assert TICKET not in repr(one)
