"""The humans who answer an account's users in WeChat's customer-service tool (protocol reference 4.3)."""

from datetime import UTC, datetime
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.endpoints.customer_service_accounts import KfPerson
from wxbus.api.endpoints.customer_service_sessions import KfSession, Record
from wxbus.wechat.documents.document import Document, text
from wxbus_sandbox.models import Outcome, SendResult, Sent
from wxbus_sandbox.pushes.composer import Push
from wxbus_sandbox.pushes.results import ResultEvents
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part, Sandbox

NO_SESSION: Final = 65413
SERVED_BY_ANOTHER: Final = 65414
BY_AGENT: Final = 2002
BY_USER: Final = 2003
"""`opercode` of a record."""


class KfState(Part):
    """The customer-service accounts and conversations of one account."""

    def __init__(self) -> None:
        self.people: dict[str, KfPerson] = {}
        self.of_merchants: dict[str, dict[str, KfPerson]] = {}
        """The accounts of merchants, by business id; they have no conversations."""
        self.sessions: dict[str, KfSession] = {}
        """By openid."""
        self.waiting: dict[str, datetime] = {}
        """The time of the last message, by openid, in the order of arrival."""
        self.records: list[Record] = []


class ServiceDesk:
    """The conversations of one account's users with humans."""

    def __init__(self, sandbox: Sandbox, account: Account, results: ResultEvents) -> None:
        self._sandbox = sandbox
        self._account = account
        self._results = results
        self.state = sandbox.part(account.appid, KfState)

    def intercept(self, openid: str, push: Push) -> SendResult | None:
        """Return the result of a message that goes to a human instead of the callback address, None for others.

        After `Rules.human_session` the messages of an open conversation are pushed again. Events always are.
        """
        session, now = self.state.sessions.get(openid), self._now()
        if session is None or session.createtime is None or push.get("MsgType") == "event":
            return None
        if (now - session.createtime).total_seconds() > self._sandbox.rules.human_session:
            return None
        self._record(openid, session.kf_account, BY_USER, str(push.get("Content", "")))
        result = SendResult(
            account=self._account.name,
            openid=openid,
            msg_id=str(push["MsgId"]) if "MsgId" in push else None,
            time=self._sandbox.clock.now(),
            message=push,
            attempts=(),
            outcome=Outcome.TRANSFERRED,
        )
        self._sandbox.pushes.add(result)
        return result

    def transferred(self, openid: str, push: Push, reply: Document) -> None:
        """Assign a user to the agent that the reply names, or let the user wait for an agent."""
        info = reply.get("TransInfo")
        agent = text(info, "KfAccount") if isinstance(info, dict) else ""
        self._record(openid, agent, BY_USER, str(push.get("Content", "")))
        if agent in self.state.people:
            self.open(agent, openid)
        elif openid not in self.state.sessions:
            self.state.waiting[openid] = self._now()

    def open(self, agent: str, openid: str) -> None:
        """Begin a conversation; raises ApiError 65414 if another agent has one with the user."""
        found = self.state.sessions.get(openid)
        if found is not None and found.kf_account != agent:
            raise ApiError(SERVED_BY_ANOTHER)
        self.state.waiting.pop(openid, None)
        if found is None:
            self.state.sessions[openid] = KfSession(kf_account=agent, createtime=self._now())
            self._push("kf_create_session", openid, {"KfAccount": agent})

    def close(self, agent: str, openid: str) -> None:
        """End a conversation; raises ApiError if the user has none with this agent."""
        if openid not in self.state.sessions:
            raise ApiError(NO_SESSION)
        if self.state.sessions[openid].kf_account != agent:
            raise ApiError(SERVED_BY_ANOTHER)
        del self.state.sessions[openid]
        self._push("kf_close_session", openid, {"KfAccount": agent, "CloseType": "KF"})

    def answer(self, openid: str, msgtype: str, body: dict[str, Any]) -> Sent:
        """Let the agent write to the user; raises ApiError 65413 without a conversation."""
        session = self.state.sessions.get(openid)
        if session is None:
            raise ApiError(NO_SESSION)
        self._record(openid, session.kf_account, BY_AGENT, str(body.get("content", "")))
        sent = Sent(
            time=self._sandbox.clock.now(),
            account=self._account.name,
            appid=self._account.appid,
            openid=openid,
            msgtype=msgtype,
            payload={"touser": openid, "msgtype": msgtype, msgtype: body},
            agent=session.kf_account,
        )
        self._sandbox.sent.add(sent)
        return sent

    def _record(self, openid: str, agent: str, opercode: int, content: str) -> None:
        record = Record(openid=openid, worker=agent, opercode=opercode, text=content, time=self._now())
        self.state.records.append(record)

    def _push(self, event: str, openid: str, fields: Push) -> None:
        if self._account.kind is AccountKind.OFFICIAL_ACCOUNT:  # a Mini Program gets no such event
            self._results.push(self._account, event, fields, openid=openid)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._sandbox.clock.now(), UTC)
