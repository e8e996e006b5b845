"""The callback address, and the pushes to it."""

import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import aiohttp

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import ConfigurationError
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.pushes.composer import Push, original_id
from wxbus_sandbox.pushes.encoder import CONTENT_TYPES, PushEncoder
from wxbus_sandbox.pushes.exchange import Exchange, exchange
from wxbus_sandbox.pushes.validator import ReplyValidator, Verdict
from wxbus_sandbox.settings import Rules

USER: Final = "oWxbusDoctor0000000000000001"
"""The user of all messages."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request with its parameters."""

    query: dict[str, str]
    body: bytes

    def changed(self, **parameters: str | None) -> "Signed":
        """Return the request with other parameters; None removes a parameter."""
        query = {name: value for name, value in {**self.query, **parameters}.items() if value is not None}
        return replace(self, query=query)


class Target:
    """One callback address."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, account: Account, mode: Mode, form: Format, rules: Rules
    ) -> None:
        """Raises ConfigurationError if the account has no token."""
        self._session = session
        self.url = url
        self.account = account
        self.mode = mode
        self.form = form
        self.timeout = rules.push_timeout
        """Seconds that WeChat waits for a complete response (protocol reference 4.1)."""
        self.encoder = PushEncoder(account)
        self._validator = ReplyValidator(account, self.encoder, rules, lambda _media_id: True)
        self._ids = itertools.count(time.time_ns() // 1000)

    @property
    def is_wecom(self) -> bool:
        """Return whether the address is that of an application of WeCom."""
        return self.account.kind is AccountKind.WECOM

    def text(self, content: str) -> Push:
        """Return a new text message."""
        return self.message("text", {"Content": content, "MsgId": next(self._ids)})

    def message(self, kind: str, fields: Mapping[str, Any]) -> Push:
        """Return a message with these fields besides the header."""
        return {
            "ToUserName": original_id(self.account),
            "FromUserName": USER,
            "CreateTime": int(time.time()),
            "MsgType": kind,
            **fields,
        }

    def seal(self, document: Push | bytes, *, age: float = 0.0, receive_id: str | None = None) -> Signed:
        """Return a push, signed and encrypted as the mode requires; `bytes` are its plaintext.

        Args:
            document: The push.
            age: Seconds since its signature.
            receive_id: Replaces the account's.
        """
        plaintext = document if isinstance(document, bytes) else codec.render(document, self.form)
        query = self.signed(age=age)
        if self.mode is Mode.PLAIN:
            return Signed(query, plaintext)
        encrypted = self._cipher(receive_id).encrypt(plaintext)
        query["msg_signature"] = sign(self.encoder.token, query["timestamp"], query["nonce"], encrypted)
        if self.is_wecom:
            del query["signature"]
        else:
            query["encrypt_type"] = "aes"
        outer = {"ToUserName": original_id(self.account), "Encrypt": encrypted}
        return Signed(query, codec.render(outer, self.form))

    def signed(self, *, age: float = 0.0) -> dict[str, str]:
        """Return the parameters of a plain push."""
        timestamp, nonce = str(int(time.time() - age)), str(secrets.randbelow(10**9) + 10**9)
        signature = sign(self.encoder.token, timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "openid": USER}

    async def post(self, request: Signed, *, timeout: float | None = None) -> Exchange:
        """Return the response to a push."""
        return await self.call("POST", request.query, request.body, timeout=timeout)

    async def call(
        self, method: str, query: dict[str, str], body: bytes = b"", *, timeout: float | None = None
    ) -> Exchange:
        """Return the response to a request."""
        kind = CONTENT_TYPES[self.form] if body else ""
        return await exchange(self._session, method, self.url, query, body, kind, timeout=timeout or self.timeout)

    def judge(self, push: Push, response: Exchange) -> Verdict:
        """Return how WeChat treats the response to a push with status 200."""
        return self._validator.validate(push, self.mode, self.form, response.body)

    def _cipher(self, receive_id: str | None) -> Cipher:
        """Return the encryption for another receive id, None for the account's; raises ConfigurationError."""
        key = self.account.keys[0].aes_key
        if key is None:
            raise ConfigurationError(f"{self.mode} mode needs an AES key")
        return Cipher(key.get_secret_value(), self.account.effective_receive_id if receive_id is None else receive_id)
