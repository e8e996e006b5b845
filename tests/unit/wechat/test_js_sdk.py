"""Signed configuration of the JS-SDK."""

from wxbus.wechat.crypto.js_sdk import sign_page

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
PAGE = "http://mp.weixin.qq.com?params=value"


def test_signs_the_official_example() -> None:
    """The signature equals WeChat's example; the fragment of the URL is ignored."""
    for url in (PAGE, f"{PAGE}#there"):
        signed = sign_page("wx1", TICKET, url, noncestr="Wm3WZYTPz0wzccnW", timestamp=1414587457)
        assert signed.as_json() == {
            "appId": "wx1",
            "timestamp": 1414587457,
            "nonceStr": "Wm3WZYTPz0wzccnW",
            "signature": "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
        }


def test_the_nonce_is_random() -> None:
    """The default nonce is random, and the configuration does not contain the ticket."""
    one, two = sign_page("wx1", TICKET, PAGE), sign_page("wx1", TICKET, PAGE)
    assert one.noncestr != two.noncestr
    assert TICKET not in repr(one)
