"""Errors of the gateway, in the tree of `wxbus.errors`."""

from wxbus.errors import RpcFailure, Unavailable


class UsersUnavailable(Unavailable):
    """The database does not respond; a write may have happened."""


class UnknownUser(RpcFailure):
    """The user does not exist, or was erased meanwhile."""

    def __init__(self, user_id: int) -> None:
        super().__init__(404, "Unknown user", detail=f"there is no user {user_id}")
