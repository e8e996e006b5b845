"""What the messages of the token service have in common."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from wxbus.errors import RpcFailure, TokenRefused, TokenUnavailable
from wxbus.rpc.codec import problems

Appid: TypeAlias = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
"""An account, or what somebody takes for one: signs that every format can carry."""
SecretText: TypeAlias = Annotated[str, Field(pattern=r"^[!-~]{1,2048}$", repr=False)]
"""A token, ticket or code; WeChat's have about 150 characters, and 512 are to be reckoned with."""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Moment: TypeAlias = Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_whole)]
"""Seconds since the epoch; 1.0 is a whole number too, as JSON Schema has it."""


class TokenMessage(BaseModel):
    """An error never shows what was in it."""

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # for the OpenAPI document
    )


def unavailable(failure: RpcFailure) -> TokenUnavailable:
    """Return what a failure of the token service means for who wanted a token."""
    text = f"the token service answers {failure}"
    state = problems.refusal_of(failure)
    if state is not None or (400 <= failure.status < 500 and failure.status != 429):
        return TokenRefused(text, retry_after=failure.retry_after, state=state or "")
    return TokenUnavailable(text, retry_after=failure.retry_after)
