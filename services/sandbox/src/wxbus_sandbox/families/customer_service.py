"""Customer-service agents and their conversations."""

from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.customer_service_accounts import CustomerServiceAccounts, KfPerson, OnlineKf
from wxbus.api.endpoints.customer_service_sessions import Conversation, CustomerServiceSessions, KfSession
from wxbus_sandbox.families.twin import ApiCall, Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

MAX_ACCOUNTS: Final = 100
NO_ACCOUNT: Final = 65401
NOT_BOUND: Final = 65402
TOO_MANY: Final = 65405
EXISTS: Final = 65406
ALREADY_BOUND: Final = 65407
NO_SESSION: Final = 65413
SERVED_BY_ANOTHER: Final = 65414


class KfState(Part):
    """The customer-service accounts of one Official Account."""

    def __init__(self) -> None:
        self.people: dict[str, KfPerson] = {}
        self.sessions: dict[str, KfSession] = {}
        """By openid."""


class CustomerServiceAccountsTwin(Twin, CustomerServiceAccounts):
    """Keeps the accounts. An invited agent accepts at once, and is online."""

    async def all(self, *, business_id: str | None = None) -> list[KfPerson]:
        """Return the accounts; merchants have none."""
        return [] if business_id else [*self.call.state(KfState).people.values()]

    async def online(self, *, business_id: str | None = None) -> list[OnlineKf]:
        """Return the accounts with an agent."""
        state = self.call.state(KfState)
        served = [session.kf_account for session in state.sessions.values()]
        return [
            OnlineKf(kf_id=person.kf_id, kf_account=name, accepted_case=served.count(name))
            for name, person in state.people.items()
            if person.kf_wx and not business_id
        ]

    async def add(self, kf_account: str, nickname: str) -> None:
        """Add an account."""
        people = self.call.state(KfState).people
        if kf_account in people:
            raise ApiError(EXISTS)
        if len(people) >= MAX_ACCOUNTS:
            raise ApiError(TOO_MANY)
        people[kf_account] = KfPerson(kf_id=str(1001 + len(people)), kf_account=kf_account, kf_nick=nickname)

    async def rename(self, kf_account: str, nickname: str) -> None:
        """Change the nickname."""
        person = _person(self.call, kf_account)
        self.call.state(KfState).people[kf_account] = person.model_copy(update={"kf_nick": nickname})

    async def delete(self, kf_account: str) -> None:
        """Delete an account."""
        _person(self.call, kf_account)
        del self.call.state(KfState).people[kf_account]

    async def invite(self, kf_account: str, wechat_id: str) -> None:
        """Bind the agent."""
        person = _person(self.call, kf_account)
        if person.kf_wx:
            raise ApiError(ALREADY_BOUND)
        self.call.state(KfState).people[kf_account] = person.model_copy(update={"kf_wx": wechat_id})


class CustomerServiceSessionsTwin(Twin, CustomerServiceSessions):
    """Keeps the agent of each user."""

    async def create(self, kf_account: str, openid: str) -> None:
        """Hand a user to an account."""
        sessions = self.call.state(KfState).sessions
        if not _person(self.call, kf_account).kf_wx:
            raise ApiError(NOT_BOUND)
        if openid in sessions and sessions[openid].kf_account != kf_account:
            raise ApiError(SERVED_BY_ANOTHER)
        now = datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        if openid not in sessions:
            sessions[openid] = KfSession(kf_account=kf_account, createtime=now)
            self.call.results.push(self.call.account, "kf_create_session", {"KfAccount": kf_account}, openid=openid)

    async def close(self, kf_account: str, openid: str) -> None:
        """End a conversation."""
        sessions = self.call.state(KfState).sessions
        _person(self.call, kf_account)
        if openid not in sessions:
            raise ApiError(NO_SESSION)
        if sessions[openid].kf_account != kf_account:
            raise ApiError(SERVED_BY_ANOTHER)
        del sessions[openid]
        fields = {"KfAccount": kf_account, "CloseType": "KF"}
        self.call.results.push(self.call.account, "kf_close_session", fields, openid=openid)

    async def of_user(self, openid: str) -> KfSession:
        """Return the agent of a user."""
        return self.call.state(KfState).sessions.get(openid, KfSession())

    async def of_account(self, kf_account: str) -> list[Conversation]:
        """Return the conversations of an account."""
        _person(self.call, kf_account)
        return [
            Conversation(openid=openid, createtime=session.createtime)
            for openid, session in self.call.state(KfState).sessions.items()
            if session.kf_account == kf_account
        ]


def _person(call: ApiCall, kf_account: str) -> KfPerson:
    if kf_account not in (people := call.state(KfState).people):
        raise ApiError(NO_ACCOUNT)
    return people[kf_account]
