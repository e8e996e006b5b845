"""Errors and parameters of all calls of virtual payment."""

from enum import IntEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.declaration import Query, Refused, Secret, Signs

WRONG_FIELD: Final = 268490002
WRONG_SIGNATURE: Final = 268490003
ERRORS: Final = (268490001, WRONG_FIELD, WRONG_SIGNATURE, 268490008, 268490011, 268490015)
MONEY_ERRORS: Final = (*ERRORS, 268490004, 268490005, 268490006, 268490009, 268490013, 268490014, 268490016)
"""268490004: the operation was done before, with the same order number."""
TASK_ERRORS: Final = (*ERRORS, 268490007, 268490012)
FUND_ERRORS: Final = (*ERRORS, 268490018, 268490019, 268490020, 268490021, 268490022, 268490023, 268490024)


class Environment(IntEnum):
    """The environment of virtual payment; each has its own AppKey."""

    PRODUCTION = 0
    SANDBOX = 1


AppKey: TypeAlias = Annotated[Secret, Query("pay_sig"), Signs(path=True), Refused(WRONG_SIGNATURE)]
"""The AppKey of the environment, from the console; only a signature with it is sent."""
SessionKey: TypeAlias = Annotated[Secret, Query("signature"), Signs(), Refused(WRONG_SIGNATURE)]
"""The session key of the user; only a signature with it is sent."""
Number: TypeAlias = Annotated[
    str,
    Field(min_length=8, max_length=32, pattern="^[A-Za-z0-9_-]+$", examples=["number-1"]),
    Refused(WRONG_FIELD),
]
"""A number of yours, 8 to 32 letters, digits, _ and -. Store it before the call, and repeat with the same one only."""
UserIp: TypeAlias = Annotated[str, Field(min_length=1, max_length=45), Refused(WRONG_FIELD)]
"""The IP address of the user."""
DeviceType: TypeAlias = Annotated[Literal[1, 2], Refused(WRONG_FIELD)]
"""The device of the user: 1 Android, 2 iOS."""
Amount: TypeAlias = Annotated[int, Field(ge=1), Refused(WRONG_FIELD)]
