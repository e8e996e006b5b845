"""Where users are kept: the port, which `wxbus_gateway.users.sql` implements."""

from typing import Protocol

from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile


class Users(Protocol):
    """The users of all Mini Programs.

    Every method raises:
        UsersUnavailable: The database does not respond; a write may have happened.
    """

    async def seen(self, appid: str, openid: str, *, unionid: str | None = None) -> MiniProgramUser:
        """Return the user, who logs in now; a new user is added. `unionid` is kept once it is known."""
        ...

    async def get(self, user_id: int) -> MiniProgramUser | None:
        """Return a user, None if there is none."""
        ...

    async def find(self, appid: str, openid: str) -> MiniProgramUser | None:
        """Return the user with this openid."""
        ...

    async def find_by_phone(self, appid: str, phone: Phone) -> list[MiniProgramUser]:
        """Return the users with this phone number, the first seen first."""
        ...

    async def find_by_uid(self, appid: str, uid: str) -> list[MiniProgramUser]:
        """Return the users with this id of the business, the first seen first."""
        ...

    async def set_profile(self, user_id: int, profile: Profile, *, unionid: str | None = None) -> MiniProgramUser:
        """Replace the profile of a user; raises UnknownUser."""
        ...

    async def set_phone(self, user_id: int, phone: Phone) -> MiniProgramUser:
        """Replace the phone number of a user; raises UnknownUser."""
        ...

    async def set_uid(self, user_id: int, uid: str | None) -> MiniProgramUser:
        """Replace the business's id of a user; raises UnknownUser."""
        ...

    async def erase(self, user_id: int) -> bool:
        """Delete all that is known of a user; return whether there was one."""
        ...
