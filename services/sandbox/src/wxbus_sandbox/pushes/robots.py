"""Talks to smart robots as WeCom does: pushes a message, then polls the streamed answer (WeCom reference 8)."""

import asyncio
import json
import secrets
from typing import Any, Final

from wxbus.accounts.models import Account
from wxbus.errors import CallbackRejected
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.signature import matches
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.models import (
    RobotRequest,
    RobotResult,
)
from wxbus_sandbox.pushes.encoder import PushEncoder
from wxbus_sandbox.pushes.pusher import Pusher
from wxbus_sandbox.rules.robots import RobotCodes
from wxbus_sandbox.state import Sandbox

ANSWERS: Final = frozenset({"stream", "template_card", "stream_with_template_card", "text"})
RESPONSE_URL: Final = "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code="


class _Invalid(Exception):
    """WeCom does not accept the answer."""


class RobotChat:
    """Lets members talk to robots."""

    def __init__(self, sandbox: Sandbox, pusher: Pusher, codes: RobotCodes) -> None:
        self._sandbox = sandbox
        self._pusher = pusher
        self._codes = codes

    async def talk(self, account: Account, request: RobotRequest) -> RobotResult:
        """Push a message or an event, poll the answer until it is complete, and return what the member saw."""
        msgid, code = secrets.token_hex(16), secrets.token_hex(16)
        now = self._sandbox.clock.now()
        self._codes.add(code, account.name, request.userid, now + self._sandbox.rules.response_lifetime)
        header = {
            "msgid": msgid,
            "aibotid": f"aib{account.name}",
            "chattype": "group" if request.chatid else "single",
            **({"chatid": request.chatid} if request.chatid else {}),
            "from": {"userid": request.userid},
        }
        message = {
            **header,
            "msgtype": request.type,
            "response_url": RESPONSE_URL + code,
            request.type: request.content,
        }
        shown: list[dict[str, Any]] = []
        reason = ""
        finished = True
        loop = asyncio.get_running_loop()
        until = loop.time() + request.wait
        try:
            answer = await self._ask(account, message, first=True)
            while answer is not None:
                if not shown or shown[-1] != answer:
                    shown.append(answer)
                finished = bool(answer.get("stream", {}).get("finish", True))
                if finished or loop.time() >= until:
                    break
                await asyncio.sleep(self._sandbox.rules.robot_poll)
                poll = {**header, "msgid": secrets.token_hex(16), "msgtype": "stream"}
                answer = await self._ask(account, {**poll, "stream": {"id": answer["stream"]["id"]}}, first=False)
        except _Invalid as exc:
            reason = str(exc)
        return RobotResult(
            msgid=msgid, response_code=code, shown=tuple(shown), finished=finished and not reason, reason=reason
        )

    async def _ask(self, account: Account, message: dict[str, Any], *, first: bool) -> dict[str, Any] | None:
        """Push and return the decrypted answer, None if there is none."""
        encoder = PushEncoder(account)
        request = encoder.encode(message, Mode.SECURE, Format.JSON, now=self._sandbox.clock.wall())
        exchange = await self._pusher.exchange("POST", account.name, request.query, request.body, request.content_type)
        if exchange.status != 200:
            raise _Invalid(exchange.failure or f"status {exchange.status}, not 200")
        if not exchange.body:
            return None
        answer = _opened(encoder, exchange.body, nonce=request.query["nonce"])
        kind = answer.get("msgtype") or answer.get("response_type")
        is_event = message["msgtype"] == "event"
        if kind == "update_template_card" and is_event:
            return answer
        if kind not in ANSWERS or (kind == "text" and not is_event) or (not first and kind != "stream"):
            raise _Invalid(f"{kind} is not an answer to this push")
        stream = answer.get("stream", {})
        if len(str(stream.get("content", "")).encode()) > self._sandbox.rules.robot_text_bytes:
            raise _Invalid("the text is too long")
        return answer


def _opened(encoder: PushEncoder, body: bytes, *, nonce: str) -> dict[str, Any]:
    """Verify and decrypt an answer, whose names are in lower case."""
    try:
        outer = json.loads(body)
        encrypted, timestamp = outer["encrypt"], outer["timestamp"]
        signature, sent_nonce = outer["msgsignature"], outer["nonce"]
    except (ValueError, KeyError, TypeError) as exc:
        raise _Invalid("the answer is not an encrypted JSON object") from exc
    if not isinstance(timestamp, int) or sent_nonce != nonce:
        raise _Invalid("timestamp must be a number, and nonce that of the push")
    if encoder.cipher is None or not matches(signature, encoder.token, str(timestamp), nonce, encrypted):
        raise _Invalid("msgsignature is wrong")
    try:
        found = json.loads(encoder.cipher.decrypt(encrypted))
    except (CallbackRejected, ValueError) as exc:
        raise _Invalid("encrypt cannot be decrypted to JSON") from exc
    if not isinstance(found, dict):
        raise _Invalid("the answer is not a JSON object")
    return found
