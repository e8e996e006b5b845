"""What the peers' workers do with a message, apart from their libraries: the same as `tests.benchmarks.handlers`."""

import json
import os
import time
from typing import Any

NAMESPACE = os.environ.get("PEER_NAMESPACE", "")
QUEUE = f"{NAMESPACE}.peer"
WECHAT_URL = os.environ.get("PEER_WECHAT_URL", "")
SEND_URL = f"{WECHAT_URL}/cgi-bin/message/custom/send"
TOKEN_URL = f"{WECHAT_URL}/cgi-bin/stable_token"
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
TIMEOUT = 30.0
"""Seconds for WeChat's answer: on a busy machine no message fails."""
CONTEXT_TTL, MARKER_TTL = 90 * 60, 7 * 24 * 3600
"""Seconds, as ours by default."""
MOST_RECORDS = 10
"""Requests and responses of a context, as many as ours keeps by default."""
MARGIN = 300
"""Seconds before its end at which a token is replaced."""


def keys(message: dict[str, str]) -> tuple[str, str]:
    """Return the keys of a message's marker and of its user's context."""
    openid = message["FromUserName"]
    return f"{NAMESPACE}:seen:{openid}:{message['MsgId']}", f"{NAMESPACE}:context:{openid}"


def changed(stored: bytes | None, message: dict[str, str]) -> str:
    """Return a user's context after a message."""
    context: dict[str, Any] = json.loads(stored) if stored else {"storage": {}, "requests": [], "responses": []}
    context["storage"]["count"] = context["storage"].get("count", 0) + 1
    context["requests"] = [*context["requests"], message][-MOST_RECORDS:]
    reply = {"kind": "text", "content": message["Content"]}
    context["responses"] = [*context["responses"], reply][-MOST_RECORDS:]
    context["last_active"] = time.time()
    return json.dumps(context, ensure_ascii=False)


def reply_to(message: dict[str, str]) -> bytes:
    """Return the customer-service message that answers; as raw UTF-8, because WeChat refuses escapes."""
    payload = {"touser": message["FromUserName"], "msgtype": "text", "text": {"content": message["Content"]}}
    return json.dumps(payload, ensure_ascii=False).encode()


def check(answer: dict[str, Any]) -> None:
    """Raise RuntimeError if WeChat refused the message."""
    if errcode := answer["errcode"]:
        raise RuntimeError(f"WeChat refused a message with {errcode}")
