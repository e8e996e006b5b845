"""Ids of cards and codes."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.declaration import (
    Id,
    Key,
    Refused,
)

WRONG_CARD: Final = 40073
WRONG_CODE: Final = 40127

CardId: TypeAlias = Annotated[Id, Refused(WRONG_CARD)]
Code: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), Refused(WRONG_CODE)]
Codes: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=100), Key("code"), Refused(40109)]
