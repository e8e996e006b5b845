"""How a request and an answer stand in bytes, by content type. JSON is the default; one's own are added to it."""

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
"""Where the names of fields that a request has and its model has not are noted."""


class Serializer(Protocol):
    """One format."""

    content_types: Sequence[str]
    """Its names; bodies that we write carry the first."""

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 (cannot be read) or 422 (is not of the model)."""

    def supports(self, model: type[BaseModel]) -> bool:
        """Say whether every message of the model can be written in this format."""

    def encode(self, message: BaseModel) -> bytes:
        """Return the message's bytes."""


class Json:
    """JSON, read and written by pydantic."""

    content_types: Sequence[str] = ("application/json",)

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        return decode_json(body, model)

    def supports(self, _model: type[BaseModel]) -> bool:
        """Any."""
        return True

    def encode(self, message: BaseModel) -> bytes:
        """Return the message's bytes."""
        return to_json(message)


class Serializers:
    """The formats of a server; the first is the default of answers."""

    def __init__(self, known: Sequence[Serializer]) -> None:
        self._by_type = {name: serializer for serializer in known for name in serializer.content_types}
        self._default = known[0]

    @property
    def content_types(self) -> Sequence[str]:
        """All names, the default first."""
        return tuple(self._by_type)

    def supporting(self, model: type[BaseModel]) -> Sequence[str]:
        """Return the names of those that hold every message of the model, the default first."""
        return tuple(name for name, serializer in self._by_type.items() if serializer.supports(model))

    def for_request(self, content_type: str) -> Serializer:
        """Return the format that a body is in; raises RpcFailure 415: it is never guessed."""
        serializer = self._by_type.get(content_type)
        if serializer is None:
            raise RpcFailure(415, "Unsupported content type", detail=f"send one of: {', '.join(self._by_type)}")
        return serializer

    def for_answer(self, accept: str | None, model: type[BaseModel]) -> Serializer:
        """Return the format that the caller likes best, of two equal ones ours, among those that hold the answer.

        Raises:
            RpcFailure: 406: there is none.
        """
        if (not accept or accept == ANYTHING) and self._default.supports(model):
            return self._default
        weights = qualities(accept or ANYTHING)
        able = self.supporting(model)
        best = max(able, key=lambda name: quality_of(name, weights), default="")  # the first of equal ones
        if quality_of(best, weights) <= 0:
            raise RpcFailure(406, "Not acceptable", detail=f"accept one of: {', '.join(able)}")
        return self._by_type[best]


def validation_failure(error: ValidationError) -> RpcFailure:
    """Return what the caller is told: which field and why, never what was in it (it may be a token)."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if any(entry["type"] == "json_invalid" for entry in errors):
        return RpcFailure(400, "Not JSON", detail="the body cannot be read as UTF-8 JSON")
    return RpcFailure(
        422,
        "The request does not fit",
        errors=[{"field": ".".join(map(str, entry["loc"])), "message": error_message(entry)} for entry in errors[:20]],
    )


def decode_json(body: bytes, model: type[M]) -> M:
    """Return the request that this JSON is, types and all: a text is no number; raises RpcFailure 400 or 422.

    Fields that the model has not are ignored, see `IGNORED_FIELDS`: a newer client may call an older server.
    """
    return _read(model, lambda extra: model.model_validate_json(body, strict=True, extra=extra))


def validate(values: object, model: type[M]) -> M:
    """Return the request that these values are, texts perhaps that stand for numbers; raises RpcFailure 422.

    Fields that the model has not are ignored as by `decode_json`.
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
        message = read(None)  # some models within may allow them
    except ValidationError:
        message = read("ignore")
    if (ignored := IGNORED_FIELDS.get()) is not None:
        ignored += unknown
    return message
