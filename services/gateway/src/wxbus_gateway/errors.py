"""Errors of the gateway, in the tree of `wxbus.errors`."""

from wxbus.errors import RpcFailure, Unavailable


class UsersUnavailable(Unavailable):
    """The database does not respond; a write may have happened."""


class LoginUnavailable(Unavailable):
    """The token service refuses this gateway, or has no valid credentials."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class UnknownUser(RpcFailure):
    """The user does not exist, or was erased meanwhile."""

    def __init__(self, user_id: int) -> None:
        super().__init__(404, "Unknown user", detail=f"there is no user {user_id}")
