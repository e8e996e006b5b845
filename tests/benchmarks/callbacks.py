"""Callbacks as WeChat sends them: text messages in secure mode, as XML."""

import secrets
import time
from typing import Final

from tests.benchmarks.load import request
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign

APPID: Final = "wxbench0000000000"
TOKEN: Final = "benchtoken"
AES_KEY: Final = "BenchmarkKeyBenchmarkKeyBenchmarkKeyBenchma"
TEXT: Final = "你好, 17"
USERS: Final = 500

ACCOUNTS: Final = f"""
[accounts.bench]
appid = "{APPID}"
kind = "official_account"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
"""


def callbacks(count: int) -> list[bytes]:
    """Return so many text messages of `USERS` users, as requests."""
    return [callback(f"o{number % USERS}", TEXT) for number in range(count)]


def callback(openid: str, text: str) -> bytes:
    """Return one callback, encrypted and signed, as a request."""
    now = str(int(time.time()))
    message = (
        f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
        f"<MsgId>{secrets.randbelow(10**18)}</MsgId></xml>"
    )
    encrypted, nonce = Cipher(AES_KEY, APPID).encrypt(message.encode()), str(secrets.randbelow(10**9))
    query = (
        f"signature={sign(TOKEN, now, nonce)}&timestamp={now}&nonce={nonce}&openid={openid}&encrypt_type=aes"
        f"&msg_signature={sign(TOKEN, now, nonce, encrypted)}"
    )
    body = f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return request(f"/wechat/bench?{query}", body.encode(), headers=["Content-Type: text/xml"])
