"""How a request and an answer stand in bytes, by content type."""

from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from wxbus.errors import RpcFailure

M = TypeVar("M", bound=BaseModel)


class Serializer(Protocol):
    """One content type."""

    content_type: str

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 (cannot be read) or 422 (is not of the model)."""

    def encode(self, answer: BaseModel) -> bytes:
        """Return the answer's bytes."""


class Json:
    """JSON, read and written by pydantic."""

    content_type: str = "application/json"

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            return model.model_validate_json(body)
        except ValidationError as exc:
            raise unfit(exc) from None

    def encode(self, answer: BaseModel) -> bytes:
        """Return the answer's bytes."""
        return answer.model_dump_json().encode()


def unfit(error: ValidationError) -> RpcFailure:
    """Return what the caller is told: which field and why, never what was in it (it may be a token)."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if any(entry["type"] == "json_invalid" for entry in errors):
        return RpcFailure(400, "Not JSON", detail="the body cannot be read as UTF-8 JSON")
    return RpcFailure(
        422,
        "The request does not fit",
        errors=[{"field": ".".join(map(str, entry["loc"])), "message": entry["msg"]} for entry in errors[:20]],
    )
