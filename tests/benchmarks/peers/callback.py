"""What the peers' web views do with a callback, apart from their frameworks, by wechatpy."""

from typing import Any

import xmltodict
from wechatpy.crypto import WeChatCrypto

from tests.benchmarks.callbacks import AES_KEY, APPID, TOKEN

_crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)


def opened(body: bytes, query: Any) -> dict[str, str]:
    """Return the message of a callback after its signature was checked; raises if it is wrong."""
    xml = _crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    message: dict[str, str] = xmltodict.parse(xml)["xml"]
    return message
