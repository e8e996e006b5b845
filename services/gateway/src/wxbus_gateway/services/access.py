"""Who may call which method: Mini Program users with a session (implements `wxbus.rpc.service.access.Access`).

A method says what it needs by `@method(needs=...)`:

    Public    nothing; a session that the call has is available all the same
    Session   a valid session
    Profile   a session, and the user's unionid or profile is known
    Phone     a session, and the user's phone number is known

Each failure is a 401 with its own challenge, which says what the Mini Program must do next.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from wxbus.accounts.models import Account
from wxbus.errors import RpcFailure
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.service.call import Call, method_of
from wxbus.rpc.service.checks import Check
from wxbus.rpc.service.declaration import ServedMethod
from wxbus_gateway.sessions.changes import Sessions
from wxbus_gateway.sessions.session import FoundSession, Session
from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile

PROBLEM: Final = "urn:wxbus:problem"


class Public:
    """The need of a method that requires no session: `@method(needs=Public)`."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The step that a Mini Program must take before the call can succeed: a 401."""

    scheme: str
    """Of the `WWW-Authenticate` header: Bearer, getUserInfo or getPhoneNumber."""
    type_uri: str
    """Of the problem document."""
    title: str
    detail: str

    @property
    def failure(self) -> RpcFailure:
        """The failure of the call."""
        return RpcFailure(401, self.title, detail=self.detail, type_uri=self.type_uri)


LOGIN: Final = Challenge(
    "Bearer",
    f"{PROBLEM}:session-required",
    "A session is required",
    "log in, and send the session's token as `Authorization: Bearer TOKEN`",
)
USER_INFO: Final = Challenge(
    "getUserInfo",
    f"{PROBLEM}:profile-required",
    "The user's profile is required",
    "let the user share the profile, and send it to user-info",
)
PHONE_NUMBER: Final = Challenge(
    "getPhoneNumber",
    f"{PROBLEM}:phone-required",
    "The user's phone number is required",
    "let the user share the phone number, and send its code to phone",
)
NEEDS: Final = (Public, Session, Profile, Phone)


class SessionLookup(Protocol):
    """Finds sessions; `SessionCache` implements it."""

    async def find(self, token: str, /) -> FoundSession | None:
        """Return the session of a token, None if there is none."""


class UserLookup(Protocol):
    """Finds users; `Users` implements it."""

    async def get(self, user_id: int, /) -> MiniProgramUser | None:
        """Return a user, None if there is none."""


class SessionAccess:
    """The checks of calls with sessions."""

    def __init__(self, sessions: SessionLookup, users: UserLookup, *, limit: Check) -> None:
        """`limit` limits the calls of each user, or of each address without a session."""
        self._sessions = sessions
        self._users = users
        self.before_body: Sequence[Check] = (self._authenticate, limit, self._check_needs)
        self.after_body: Sequence[Check] = (self._load_user,)

    def check_declaration(self, method: ServedMethod) -> None:
        """Raise TypeError for a method without needs, or with parameters that its needs do not provide."""
        name = f"{method.service}.{method.name}"
        if method.needs not in NEEDS:
            raise TypeError(f"{name}: needs must be Public, Session, Profile or Phone, not {method.needs!r}")
        for kind in (Session, Sessions, MiniProgramUser, Profile, Phone):
            provided = kind in (method.needs, Session, Sessions, MiniProgramUser)
            if kind in method.injected.values() and (method.needs is Public or not provided):
                raise TypeError(f"{name}: a parameter {kind.__name__} needs @method(needs={_need(kind)})")

    async def _authenticate(self, call: Call) -> None:
        """Find the session, if there is one."""
        found = await self._sessions.find(call.credentials) if call.credentials else None
        if found is not None and found.session.appid == call.features[Account].appid:
            call.features[FoundSession] = found
            call.features[Session] = found.session
            call.principal = Principal(f"{found.session.account}:{found.session.user_id}", ())

    def _check_needs(self, call: Call) -> None:
        """Raise 401 if the method needs more than the call has."""
        needs, session = method_of(call).needs, call.features.get(Session)
        if needs is Public:
            return
        if session is None:
            raise challenge(call, LOGIN)
        if needs is Profile and not session.has_profile:
            raise challenge(call, USER_INFO)
        if needs is Phone and not session.has_phone:
            raise challenge(call, PHONE_NUMBER)

    def _load_user(self, call: Call) -> Awaitable[None] | None:
        """Read the user from the database, if the method takes it or a part of it."""
        if {MiniProgramUser, Profile, Phone}.isdisjoint(method_of(call).injected.values()):
            return None
        return self._load(call)

    async def _load(self, call: Call) -> None:
        session = call.features[Session]
        user = await self._users.get(session.user_id)
        # Erased meanwhile; or the database was restored from a backup, and its ids were assigned again.
        if user is None or (user.appid, user.openid) != (session.appid, session.openid):
            raise challenge(call, LOGIN)
        call.features[MiniProgramUser] = user
        taken = method_of(call).injected.values()
        if user.profile is not None:
            call.features[Profile] = user.profile
        elif Profile in taken:  # only the unionid is known
            raise challenge(call, USER_INFO)
        if user.phone is not None:
            call.features[Phone] = user.phone
        elif Phone in taken:
            raise challenge(call, PHONE_NUMBER)


def challenge(call: Call, what: Challenge) -> RpcFailure:
    """Return the failure that names the missing step; the transport adds the header."""
    call.features[Challenge] = what
    return what.failure


def _need(kind: type) -> str:
    return kind.__name__ if kind in NEEDS else Session.__name__
