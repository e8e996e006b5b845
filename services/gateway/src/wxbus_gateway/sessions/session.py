"""The session of one user on one device, and the state that its client gets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wxbus_gateway.users.model import MiniProgramUser


class Session(BaseModel):
    """A session; methods take it by type. Clients know its token, see `SessionState`."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(repr=False)
    """Hash of its token: the name of its record in Redis."""
    login: str = Field(repr=False)
    """Random id of the login, which all tokens of the session share."""
    account: str
    """Name of the account."""
    appid: str
    openid: str = Field(repr=False)
    user_id: int
    """Of the user in the gateway's database."""
    uid: str | None = None
    """The business's own id of the user, once it has one."""
    has_profile: bool = False
    """Whether the user's unionid or profile is known."""
    has_phone: bool = False
    """Whether the user's phone number is known."""
    data: dict[str, Any] = Field(default_factory=dict)
    """The business's data, see `Sessions.set_data`. The client gets them."""
    renew_at: float
    """When its token is replaced: seconds since the epoch."""
    previous: str | None = Field(default=None, repr=False)
    """Id of the session under the token before, which ends together with this one."""
    ends: float
    """When it ends, however often it is used: seconds since the epoch."""

    def of_user(self, user: MiniProgramUser) -> "Session":
        """Return the session with what is known of the user now."""
        known = {
            "uid": user.uid,
            "has_profile": user.profile is not None or user.unionid is not None,
            "has_phone": user.phone is not None,
        }
        return self.model_copy(update=known)


class SessionState(BaseModel):
    """The state of a session that its client gets with every answer; never the openid, unionid or phone number."""

    token: str = Field(repr=False)
    """For the next call: `Authorization: Bearer TOKEN`."""
    expires_in: int
    """Seconds until the session ends if it is not used."""
    profile: bool
    """Whether the user's unionid or profile is known."""
    phone: bool
    """Whether the user's phone number is known."""
    uid: str | None
    """The business's own id of the user."""
    data: dict[str, Any]
    """The business's data, see `Sessions.set_data`."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long sessions last, in seconds."""

    idle: float
    """Without any call."""
    total: float
    """However often they are used."""
    renew_after: float
    """Until a token is replaced."""


@dataclass(frozen=True)
class FoundSession:
    """A valid session, and the token for the next call."""

    session: Session
    token: str
    expires_in: float

    @property
    def state(self) -> SessionState:
        """The state that the client gets."""
        session = self.session
        return SessionState(
            token=self.token,
            expires_in=int(self.expires_in),
            profile=session.has_profile,
            phone=session.has_phone,
            uid=session.uid,
            data=session.data,
        )

    @cached_property
    def state_json(self) -> bytes:
        """The state as JSON, encoded once for all calls that find this session in the cache."""
        return self.state.model_dump_json().encode()
