"""WeChat Customer Service: conversations, and the messages that the application pulls (WeCom reference 7)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wxbus.api.endpoints.wecom.kf import Kf, KfAccount, Page, SessionState
from wxbus.wechat.messages.identity import customer_openid
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.models import Sent
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.state import Part

TOKEN_EXPIRED: Final = 95007
NONE_LEFT: Final = 95001
WRONG_STATE: Final = 95018
WRONG_PARAMETER: Final = 40058
CUSTOMER: Final = 3
"""`origin` of what a customer wrote."""
CHANGES: Final = {0: {1, 2, 3}, 1: {2, 3, 4}, 2: {3, 4}, 3: {3, 4}}
"""The states that the application may give a conversation, by its state."""


@dataclass(slots=True)
class Session:
    """The conversation of one customer."""

    state: int = 0
    servicer: str = ""
    remaining: int = 0
    """Messages until the customer writes again."""
    until: float = 0.0


@dataclass(slots=True)
class KfState(Part):
    """All customer-service accounts of one application."""

    accounts: dict[str, str] = field(default_factory=dict)
    """Names by open_kfid."""
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Messages and events by open_kfid, oldest first; a cursor is the number of those before it."""
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    """When each push token expires."""
    codes: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    """By code: account, customer, and when the code expires."""
    sent: set[str] = field(default_factory=set)
    """Ids of messages of the application."""

    def session(self, open_kfid: str, customer: str) -> Session:
        """Return the conversation of a customer."""
        return self.sessions.setdefault((open_kfid, customer), Session())

    def add(self, open_kfid: str, item: dict[str, Any], clock: Clock, rules: Rules) -> str:
        """Add a message or an event, and return the token of its push."""
        customer = str(item.get("external_userid") or item.get("event", {}).get("external_userid", ""))
        self.accounts.setdefault(open_kfid, open_kfid)
        self.items.setdefault(open_kfid, []).append(item)
        if item["origin"] == CUSTOMER:
            session = self.session(open_kfid, customer)
            session.state = 0 if session.state == 4 else session.state
            session.remaining, session.until = rules.message_allowance, clock.now() + rules.message_window
        elif code := item.get("event", {}).get("welcome_code") or item["event"].get("msg_code"):
            self.codes[code] = (open_kfid, customer, clock.now() + rules.welcome_window)
        token = f"ENC{secrets.token_hex(16)}"
        self.tokens[token] = clock.now() + rules.kf_token_lifetime
        return token


class KfTwin(Twin, Kf):
    """Keeps conversations; its other endpoints answer with samples."""

    @property
    def _kf(self) -> KfState:
        return self.call.state(KfState)

    async def sync(
        self,
        open_kfid: str,
        *,
        cursor: str | None = None,
        token: str | None = None,
        limit: int = 1000,
        voice_format: int = 0,
    ) -> Page:
        """Return the next page."""
        now = self.call.sandbox.clock.now()
        if token is not None and now >= self._kf.tokens.get(token, now):
            raise ApiError(TOKEN_EXPIRED)
        try:
            begin = int(cursor or 0)
        except ValueError as exc:
            raise ApiError(WRONG_PARAMETER, "invalid cursor") from exc
        items = self._kf.items.get(open_kfid, [])
        end = min(begin + min(limit, self.call.sandbox.rules.kf_page), len(items))
        return Page(next_cursor=str(end), has_more=end < len(items), items=items[begin:end])

    async def send(
        self, open_kfid: str, external_userid: str, message: Mapping[str, Any], *, msgid: str | None = None
    ) -> str:
        """Send a message in the states 0 and 1, five after each message of the customer."""
        session = self._kf.session(open_kfid, external_userid)
        if session.state not in {0, 1}:
            raise ApiError(WRONG_STATE)
        is_open = session.remaining > 0 and self.call.sandbox.clock.now() < session.until
        if self.call.sandbox.rules.enforce_windows and not is_open:
            raise ApiError(NONE_LEFT)
        sent = self._send(open_kfid, external_userid, message, msgid)
        session.remaining -= 1
        session.state = 1
        return sent

    async def send_on_event(self, code: str, message: Mapping[str, Any], *, msgid: str | None = None) -> str:
        """Send the one message of a code."""
        open_kfid, customer, until = self._kf.codes.pop(code, ("", "", 0.0))
        if self.call.sandbox.clock.now() >= until:
            raise ApiError(TOKEN_EXPIRED, "invalid code")
        return self._send(open_kfid, customer, message, msgid)

    async def state(self, open_kfid: str, external_userid: str) -> SessionState:
        """Return the state of a conversation."""
        session = self._kf.session(open_kfid, external_userid)
        return SessionState(service_state=session.state, servicer_userid=session.servicer)

    async def change_state(
        self, open_kfid: str, external_userid: str, service_state: int, *, servicer_userid: str | None = None
    ) -> str:
        """Change the state of a conversation as WeCom allows it."""
        session = self._kf.session(open_kfid, external_userid)
        if service_state not in CHANGES.get(session.state, ()):
            raise ApiError(WRONG_STATE)
        session.state, session.servicer = service_state, servicer_userid or ""
        if service_state == 1:
            return ""
        code = secrets.token_hex(8)
        self._kf.codes[code] = (
            open_kfid,
            external_userid,
            self.call.sandbox.clock.now() + self.call.sandbox.rules.welcome_window,
        )
        return code

    async def add_account(self, name: str, media_id: str) -> str:
        """Add an account."""
        self.call.sandbox.media.get(self.call.account.appid, media_id)
        open_kfid = f"wk{secrets.token_hex(12)}"
        self._kf.accounts[open_kfid] = name
        return open_kfid

    async def accounts(self, *, offset: int = 0, limit: int = 100) -> list[KfAccount]:
        """Return the accounts."""
        found = [KfAccount(open_kfid=one, name=name, manage_privilege=True) for one, name in self._kf.accounts.items()]
        return found[offset : offset + limit]

    def _send(self, open_kfid: str, customer: str, message: Mapping[str, Any], msgid: str | None) -> str:
        msgid = msgid or secrets.token_hex(16)
        if msgid in self._kf.sent:
            raise ApiError(WRONG_PARAMETER, "msgid was used before")
        msgtype = message.get("msgtype")
        content = message.get(str(msgtype))
        if not isinstance(content, dict):
            raise ApiError(40008)
        self._kf.sent.add(msgid)
        self.call.sandbox.sent.add(
            Sent(
                time=self.call.sandbox.clock.now(),
                account=self.call.account.name,
                appid=self.call.account.appid,
                openid=customer_openid(open_kfid, customer),
                msgtype=str(msgtype),
                payload={**message, "msgid": msgid},
            )
        )
        return msgid
