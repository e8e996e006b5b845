"""Formats of requests and answers by content type. JSON is the default; servers may add their own formats."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from wxbus.config.validation import error_message
from wxbus.errors import RpcFailure
from wxbus.rpc.codec.negotiation import ANYTHING, qualities, quality_of

M = TypeVar("M", bound=BaseModel)

Extra: TypeAlias = Literal["forbid", "ignore"]

IGNORED_FIELDS: Final[ContextVar[list[str] | None]] = ContextVar("wxbus_rpc_ignored", default=None)
"""Collects the names of a request's unknown fields."""


class Serializer(Protocol):
    """One format."""

    content_types: Sequence[str]
    """Its names; encoded bodies have the first one."""

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 (malformed) or 422 (does not fit the model)."""

    def supports(self, model: type[BaseModel]) -> bool:
        """Return whether every message of the model can be encoded in this format."""

    def encode(self, message: BaseModel) -> bytes:
        """Return the encoded message."""


class Json:
    """JSON, read and written by pydantic."""

    content_types: Sequence[str] = ("application/json",)

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        return decode_json(body, model)

    def supports(self, _model: type[BaseModel]) -> bool:
        """Every model."""
        return True

    def encode(self, message: BaseModel) -> bytes:
        """Return the encoded message."""
        return to_json(message)


class Serializers:
    """The formats of a server; the first one is the default of answers."""

    def __init__(self, known: Sequence[Serializer]) -> None:
        self._by_type = {name: serializer for serializer in known for name in serializer.content_types}
        self._default = known[0]

    @property
    def content_types(self) -> Sequence[str]:
        """All content types, the default first."""
        return tuple(self._by_type)

    def supporting(self, model: type[BaseModel]) -> Sequence[str]:
        """Return the content types that support the model, the default first."""
        return tuple(name for name, serializer in self._by_type.items() if serializer.supports(model))

    def for_request(self, content_type: str) -> Serializer:
        """Return the format of a body; raises RpcFailure 415 for an unknown content type."""
        serializer = self._by_type.get(content_type)
        if serializer is None:
            raise RpcFailure(415, "Unsupported content type", detail=f"send one of: {', '.join(self._by_type)}")
        return serializer

    def for_answer(self, accept: str | None, model: type[BaseModel]) -> Serializer:
        """Return the supported format that the caller prefers; of equal ones the server's first.

        Raises:
            RpcFailure: 406: no format is acceptable and supports the model.
        """
        if (not accept or accept == ANYTHING) and self._default.supports(model):
            return self._default
        weights = qualities(accept or ANYTHING)
        supported = self.supporting(model)
        best = max(supported, key=lambda name: quality_of(name, weights), default="")  # the first of equal ones
        if quality_of(best, weights) <= 0:
            raise RpcFailure(406, "Not acceptable", detail=f"accept one of: {', '.join(supported)}")
        return self._by_type[best]


def validation_failure(error: ValidationError) -> RpcFailure:
    """Return the failure with fields and messages, without values, which may be tokens."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if any(entry["type"] == "json_invalid" for entry in errors):
        return RpcFailure(400, "Malformed body", detail="it is not JSON in UTF-8")
    return RpcFailure(
        422,
        "Invalid request",
        errors=[{"field": ".".join(map(str, entry["loc"])), "message": error_message(entry)} for entry in errors[:20]],
    )


def decode_json(body: bytes, model: type[M]) -> M:
    """Return the request in JSON, with strict types: a string is not a number; raises RpcFailure 400 or 422.

    Unknown fields are ignored, see `IGNORED_FIELDS`: a newer client may call an older server.
    """
    return _read(model, lambda extra: model.model_validate_json(body, strict=True, extra=extra))


def validate(values: object, model: type[M]) -> M:
    """Return the request of these values, which may be strings for numbers; raises RpcFailure 422.

    Unknown fields are ignored as by `decode_json`.
    """
    return _read(model, lambda extra: model.model_validate(values, extra=extra))


def _read(model: type[M], read: Callable[[Extra | None], M]) -> M:
    try:
        return _lenient(model, read)
    except ValidationError as exc:
        raise validation_failure(exc) from None


def _lenient(model: type[M], read: Callable[[Extra | None], M]) -> M:
    if model.model_config.get("extra") == "allow":
        return read(None)
    try:
        return read("forbid")
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False, include_input=False)
        unknown = [".".join(map(str, entry["loc"])) for entry in errors if entry["type"] == "extra_forbidden"]
        if not unknown:
            raise
    try:
        message = read(None)  # nested models may allow them
    except ValidationError:
        message = read("ignore")
    if (ignored := IGNORED_FIELDS.get()) is not None:
        ignored += unknown
    return message
