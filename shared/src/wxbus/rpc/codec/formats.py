"""The formats beside JSON: form, MessagePack and XML.

Form and XML know text alone: pydantic makes numbers and truth values of it, and what a field's type says decides
whether one value is a list of one. JSON and MessagePack have types, and there a text is no number.
"""

import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import msgpack
from pydantic import BaseModel
from pydantic_core import to_json

from wxbus.errors import MalformedCallback, RpcFailure
from wxbus.rpc.codec import shapes
from wxbus.rpc.codec.serialization import Json, Serializer, decode_json, validate
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Renderable

M = TypeVar("M", bound=BaseModel)

FORM_FIELDS: Final = 200
"""Fields of one form."""
TEXT_IN_ROOT: Final = re.compile(rb"<xml\s*>\s*[^<\s]")


class Form:
    """`application/x-www-form-urlencoded`: flat models; a list is a name that occurs several times."""

    content_types: Sequence[str] = ("application/x-www-form-urlencoded",)

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)
        except ValueError as exc:
            raise _unreadable("a form in UTF-8") from exc
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return validate(_shaped(values, model), model)

    def supports(self, model: type[BaseModel]) -> bool:
        """Flat models, with lists of single values."""
        return shapes.is_flat(model)

    def encode(self, message: BaseModel) -> bytes:
        """Return the message's bytes."""
        values = _texts(message.model_dump(mode="json"))
        return urlencode(values, doseq=True).encode()


class MessagePack:
    """MessagePack; `application/vnd.msgpack` is its registered name."""

    content_types: Sequence[str] = ("application/vnd.msgpack", "application/msgpack", "application/x-msgpack")

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            # By way of JSON, whose types pydantic tells apart; it has no others, like times.
            values = msgpack.unpackb(body, strict_map_key=True)
            text = to_json(values, inf_nan_mode="constants", fallback=lambda _: None)
        except (ValueError, msgpack.UnpackException) as exc:
            raise _unreadable("MessagePack") from exc
        return decode_json(text, model)

    def supports(self, _model: type[BaseModel]) -> bool:
        """Any; a number beyond 64 bits is a fault of the method that answers with it."""
        return True

    def encode(self, message: BaseModel) -> bytes:
        """Return the message's bytes; raises OverflowError for a number beyond 64 bits."""
        packed: bytes = msgpack.packb(message.model_dump(mode="json"))
        return packed


class Xml:
    """XML as WeChat writes it: `<xml><appid>...</appid></xml>`, no attributes, no document type, bounded depth."""

    content_types: Sequence[str] = ("application/xml", "text/xml")

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            if codec.sniff(body) is not codec.Format.XML:
                raise _unreadable("XML")
            if TEXT_IN_ROOT.search(body):  # else it would count as a request without a field
                raise _unreadable("XML", "the root element xml has text of its own")
            document = codec.parse(body)
        except MalformedCallback as exc:
            raise _unreadable("XML", str(exc)) from exc
        return validate(_shaped(document, model), model)

    def supports(self, model: type[BaseModel]) -> bool:
        """Models whose names are known and can be elements."""
        return shapes.has_element_names(model)

    def encode(self, message: BaseModel) -> bytes:
        """Return the message's bytes."""
        return codec.render(_texts(message.model_dump(mode="json")), codec.Format.XML)


def standard_formats() -> tuple[Serializer, ...]:
    """Return all formats, JSON first; a server with one's own is given `(*standard(), Mine())`."""
    return (Json(), Form(), MessagePack(), Xml())


def _unreadable(what: str, why: str = "") -> RpcFailure:
    return RpcFailure(400, "The body cannot be read", detail=why or f"it is not {what}")


def _texts(values: Mapping[str, Any]) -> dict[str, Renderable]:
    """Return the values with scalars as JSON spells them; what is None is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> Renderable:
    if isinstance(value, Mapping):
        return _texts(value)
    if isinstance(value, list):
        return [_text(item) for item in value if item is not None]
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _shaped(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the values with lists where the model has lists, and only there."""
    types = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    return {name: _shape(value, types.get(name)) for name, value in values.items()}


def _shape(value: Any, annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _shape(value, get_args(annotation)[0])
    if origin in {Union, UnionType}:
        choices = [choice for choice in get_args(annotation) if choice is not NoneType]
        return _shape(value, choices[0] if len(choices) == 1 else None)
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        items = value if isinstance(value, list) else [] if value == "" else [value]
        return [_shape(item, get_args(annotation)[0]) for item in items]
    if isinstance(value, list) and len(value) == 1:
        return _shape(value[0], annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, Mapping):
        return _shaped(value, annotation)
    return _truth(value) if annotation is bool else value


def _truth(value: Any) -> bool | None:
    """Return what a text says; pydantic would take more, like `0` and `yes`."""
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
