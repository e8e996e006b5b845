"""Properties of a model's messages, derived from its JSON schema."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})
ELEMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@lru_cache(maxsize=1024)
def is_flat(model: type[BaseModel]) -> bool:
    """Return whether each field is a scalar or a list of scalars."""
    schema = model.model_json_schema(mode="serialization")
    definitions = schema.get("$defs", {})
    root = _resolved(schema, definitions)
    return not _is_open(root) and all(
        _is_scalar(choice, definitions)
        or (choice.get("type") == "array" and _all_scalar(choice.get("items"), definitions))
        for field in root.get("properties", {}).values()
        for choice in _choices(field, definitions)
    )


@lru_cache(maxsize=1024)
def has_element_names(model: type[BaseModel]) -> bool:
    """Return whether all names in its messages are declared and valid as names of XML elements."""
    schema = model.model_json_schema(mode="serialization")
    return all(
        not _is_open(part) and all(ELEMENT.fullmatch(name) for name in part.get("properties", {}))
        for part in _parts(schema)
    )


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema within a schema."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in ("properties", "$defs"):
        for part in schema.get(name, {}).values():
            yield from _parts(part)
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for part in schema.get(name, ()):
            yield from _parts(part)
    yield from _parts(schema.get("items"))


def _is_open(schema: dict[str, Any]) -> bool:
    """Return whether an object has undeclared names, or the schema says nothing about the value."""
    if schema.get("additionalProperties") or "patternProperties" in schema:
        return True
    known = ("$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf", "properties")
    return not any(name in schema for name in known) or (schema.get("type") == "object" and "properties" not in schema)


def _choices(schema: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    resolved = _resolved(schema, definitions)
    choices = resolved.get("anyOf") or resolved.get("oneOf")
    return [leaf for choice in choices for leaf in _choices(choice, definitions)] if choices else [resolved]


def _all_scalar(schema: Any, definitions: dict[str, Any]) -> bool:
    return isinstance(schema, dict) and all(_is_scalar(choice, definitions) for choice in _choices(schema, definitions))


def _is_scalar(schema: dict[str, Any], definitions: dict[str, Any]) -> bool:
    resolved = _resolved(schema, definitions)
    return resolved.get("type") in SCALARS or "enum" in resolved or "const" in resolved


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = definitions[str(schema["$ref"]).rpartition("/")[2]]
    return schema
