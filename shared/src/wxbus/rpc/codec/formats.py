"""The formats besides JSON: form, MessagePack and XML.

Forms and XML have only strings: pydantic converts them to numbers and booleans, and the field's type decides whether a
single value is a list. JSON and MessagePack are typed: a string is not a number.
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
"""Maximum fields of a form."""
# Only at the beginning: a value may contain "<xml>", too.
TEXT_IN_ROOT: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<xml\s*>\s*(?:[^<\s]|<!\[CDATA\[)")


class Form:
    """`application/x-www-form-urlencoded`, for flat models; a list is a repeated name."""

    content_types: Sequence[str] = ("application/x-www-form-urlencoded",)

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)
        except ValueError as exc:
            raise _malformed("a form in UTF-8") from exc
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return validate(_shaped(values, model), model)

    def supports(self, model: type[BaseModel]) -> bool:
        """Flat models, with lists of scalars."""
        return shapes.is_flat(model)

    def encode(self, message: BaseModel) -> bytes:
        """Return the encoded message."""
        values = _texts(message.model_dump(mode="json"))
        return urlencode(values, doseq=True).encode()


class MessagePack:
    """MessagePack; `application/vnd.msgpack` is the registered content type."""

    content_types: Sequence[str] = ("application/vnd.msgpack", "application/msgpack", "application/x-msgpack")

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            # Converted to JSON for strict types; MessagePack's other types, like timestamps, are not supported.
            values = msgpack.unpackb(body, strict_map_key=True)
            text = to_json(values, inf_nan_mode="constants", fallback=lambda _: None)
        except (ValueError, msgpack.UnpackException) as exc:
            raise _malformed("MessagePack") from exc
        return decode_json(text, model)

    def supports(self, _model: type[BaseModel]) -> bool:
        """Every model; a method must not answer with numbers over 64 bits."""
        return True

    def encode(self, message: BaseModel) -> bytes:
        """Return the encoded message; raises OverflowError for a number over 64 bits."""
        packed: bytes = msgpack.packb(message.model_dump(mode="json"))
        return packed


class Xml:
    """XML in WeChat's form: `<xml><appid>...</appid></xml>`, no attributes, no DTD, limited depth."""

    content_types: Sequence[str] = ("application/xml", "text/xml")

    def decode(self, body: bytes, model: type[M]) -> M:
        """Return the request; raises RpcFailure 400 or 422."""
        try:
            if codec.sniff(body) is not codec.Format.XML:
                raise _malformed("XML")
            if TEXT_IN_ROOT.match(body):  # would be an empty request
                raise _malformed("XML", "the root element xml contains text")
            document = codec.parse(body)
        except MalformedCallback as exc:
            raise _malformed("XML", str(exc)) from exc
        return validate(_shaped(document, model), model)

    def supports(self, model: type[BaseModel]) -> bool:
        """Models whose names are declared and valid as elements."""
        return shapes.has_element_names(model)

    def encode(self, message: BaseModel) -> bytes:
        """Return the encoded message."""
        return codec.render(_texts(message.model_dump(mode="json")), codec.Format.XML)


def standard_formats() -> tuple[Serializer, ...]:
    """Return all formats, JSON first. A server with a custom format: `serializers=(*standard_formats(), Mine())`."""
    return (Json(), Form(), MessagePack(), Xml())


def _malformed(expected: str, reason: str = "") -> RpcFailure:
    return RpcFailure(400, "Malformed body", detail=reason or f"it is not {expected}")


def _texts(values: Mapping[str, Any]) -> dict[str, Renderable]:
    """Return the values with scalars as in JSON, without None."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> Renderable:
    if isinstance(value, Mapping):
        return _texts(value)
    if isinstance(value, list):
        return [_text(item) for item in value if item is not None]
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _shaped(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the values with lists exactly where the model has lists."""
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
    return _boolean(value) if annotation is bool else value


def _boolean(value: Any) -> bool | None:
    """Return a boolean as in JSON; pydantic would accept more, like `0` and `yes`."""
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
