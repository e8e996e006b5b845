"""Customer-service agents and their conversations."""

from datetime import datetime
from itertools import islice
from typing import Final

from wxbus.api.endpoints.customer_service_accounts import CustomerServiceAccounts, KfPerson, OnlineKf
from wxbus.api.endpoints.customer_service_sessions import (
    MAX_RECORDS,
    Conversation,
    CustomerServiceSessions,
    KfSession,
    RecordPage,
    WaitingUser,
    WaitingUsers,
)
from wxbus_sandbox.families.service_desk import KfState, ServiceDesk
from wxbus_sandbox.families.twin import ApiCall, Twin
from wxbus_sandbox.rules.responses import ApiError

MAX_ACCOUNTS: Final = 100
MAX_WAITING: Final = 100
NO_ACCOUNT: Final = 65401
NOT_BOUND: Final = 65402
TOO_MANY: Final = 65405
EXISTS: Final = 65406
ALREADY_BOUND: Final = 65407


class CustomerServiceAccountsTwin(Twin, CustomerServiceAccounts):
    """Keeps the accounts. An invited agent accepts at once, and is online."""

    async def all(self, *, business_id: str | None = None) -> list[KfPerson]:
        """Return the accounts."""
        return [*self._people(business_id).values()]

    async def online(self, *, business_id: str | None = None) -> list[OnlineKf]:
        """Return the accounts with an agent."""
        state = self.call.state(KfState)
        served = [session.kf_account for session in state.sessions.values()]
        return [
            OnlineKf(kf_id=person.kf_id, kf_account=name, accepted_case=served.count(name))
            for name, person in state.people.items()
            if person.kf_wx and not business_id
        ]

    async def add(self, kf_account: str, nickname: str, *, business_id: str | None = None) -> None:
        """Add an account."""
        people = self._people(business_id)
        if kf_account in people:
            raise ApiError(EXISTS)
        if len(people) >= MAX_ACCOUNTS:
            raise ApiError(TOO_MANY)
        people[kf_account] = KfPerson(kf_id=str(1001 + len(people)), kf_account=kf_account, kf_nick=nickname)

    async def rename(self, kf_account: str, nickname: str) -> None:
        """Change the nickname."""
        person = _person(self.call, kf_account)
        self.call.state(KfState).people[kf_account] = person.model_copy(update={"kf_nick": nickname})

    async def delete(self, kf_account: str, *, business_id: str | None = None) -> None:
        """Delete an account."""
        if self._people(business_id).pop(kf_account, None) is None:
            raise ApiError(NO_ACCOUNT)

    def _people(self, business_id: str | None) -> dict[str, KfPerson]:
        state = self.call.state(KfState)
        return state.of_merchants.setdefault(business_id, {}) if business_id else state.people

    async def invite(self, kf_account: str, wechat_id: str) -> None:
        """Bind the agent."""
        person = _person(self.call, kf_account)
        if person.kf_wx:
            raise ApiError(ALREADY_BOUND)
        self.call.state(KfState).people[kf_account] = person.model_copy(update={"kf_wx": wechat_id})


class CustomerServiceSessionsTwin(Twin, CustomerServiceSessions):
    """Keeps the agent of each user."""

    async def create(self, kf_account: str, openid: str) -> None:
        """Assign a user to an account."""
        if not _person(self.call, kf_account).kf_wx:
            raise ApiError(NOT_BOUND)
        self._desk().open(kf_account, openid)

    async def close(self, kf_account: str, openid: str) -> None:
        """End a conversation."""
        _person(self.call, kf_account)
        self._desk().close(kf_account, openid)

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

    async def waiting(self) -> WaitingUsers:
        """Return the users who were transferred and have no agent yet."""
        waiting = self.call.state(KfState).waiting
        users = (WaitingUser(openid=openid, latest_time=time) for openid, time in waiting.items())
        return WaitingUsers(count=len(waiting), users=tuple(islice(users, MAX_WAITING)))

    async def records(
        self, start: datetime, end: datetime, *, from_id: int = 1, number: int = MAX_RECORDS
    ) -> RecordPage:
        """Return the messages between users and agents."""
        found = [one for one in self.call.state(KfState).records if one.time is not None and start <= one.time <= end]
        page = found[from_id - 1 : from_id - 1 + number]
        return RecordPage(records=tuple(page), number=len(page), next_id=str(from_id + len(page)))

    def _desk(self) -> ServiceDesk:
        return ServiceDesk(self.call.sandbox, self.call.account, self.call.results)


def _person(call: ApiCall, kf_account: str) -> KfPerson:
    if kf_account not in (people := call.state(KfState).people):
        raise ApiError(NO_ACCOUNT)
    return people[kf_account]
