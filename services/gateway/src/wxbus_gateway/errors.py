"""Errors of the gateway, in the tree of `wxbus.errors`."""

from wxbus.errors import RpcFailure, Unavailable


class UsersUnavailable(Unavailable):
    """The database does not respond; a write may have happened."""


class UnknownUser(RpcFailure):
    """The user was erased meanwhile."""

    def __init__(self) -> None:
        super().__init__(404, "Unknown user", detail="there is no user with this id")
