"""Paths of methods: `/{account}/{service}/{method}`, and short ones for the login."""

from typing import Final

from wxbus.rpc.service.declaration import ServedMethod
from wxbus_gateway.login.login import SERVICE

ACTIONS: Final = {
    "login": "login",
    "logout": "logout",
    "session": "state",
    "user-info": "user_info",
    "phone": "phone",
}
"""Methods of the login service by the last part of their path."""
PARTS: Final = {name: action for action, name in ACTIONS.items()}


def path_of(account: str, method: ServedMethod) -> str:
    """Return the path of a method."""
    if method.service == SERVICE:
        return f"/{account}/{PARTS[method.name]}"
    return f"/{account}/{method.service}/{method.name}"
