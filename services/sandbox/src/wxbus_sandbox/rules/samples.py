"""Valid values for a JSON schema."""

from collections.abc import Mapping
from typing import Any, Final

from wxbus.api.answers import JsonObject

MAX_DEPTH: Final = 12
"""Models that contain themselves, such as menus, end here."""


def sample(schema: JsonObject, name: str) -> Any:
    """Return a value for a JSON schema, with all of its fields; `name` is the text in it."""
    return _Samples(schema.get("$defs", {})).of(schema, name, 0)


class _Samples:
    def __init__(self, definitions: Mapping[str, JsonObject]) -> None:
        self._definitions = definitions

    def of(self, schema: JsonObject, name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        for given in ("examples", "enum"):
            if given in schema:
                return schema[given][0]
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return True
            case _:
                return schema.get("const", self._text(schema, name))

    def _resolved(self, schema: JsonObject) -> JsonObject:
        """Return the schema without references; of alternatives, the first."""
        while "examples" not in schema:
            if "$ref" in schema:
                schema = self._definitions[schema["$ref"].rpartition("/")[2]]
            elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
                schema = alternatives[0]
            else:
                break
        return schema

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        fields = schema.get("properties", {})
        if not fields and isinstance(values := schema.get("additionalProperties"), dict):
            return {"key1": self.of(values, "value", depth + 1)}
        required = schema.get("required", ())
        return {
            name: self.of(field, name, depth + 1)
            for name, field in fields.items()
            if depth < MAX_DEPTH or name in required
        }

    def _array(self, schema: JsonObject, name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.of(item, name, depth + 1) for item in schema["prefixItems"]]
        count = max(schema.get("minItems", 0), 0 if depth >= MAX_DEPTH else 1)
        return [self.of(schema.get("items", {}), name, depth + 1) for _ in range(count)]

    @staticmethod
    def _number(schema: JsonObject) -> int | float:
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        number: int | float = min(max(lowest, 1), schema.get("maximum", lowest + 1))
        return number

    @staticmethod
    def _text(schema: JsonObject, name: str) -> str:
        match schema.get("format"):
            case "date":
                return "2026-01-31"
            case "date-time":
                return "2026-01-31T08:00:00+08:00"
            case _:
                return name.ljust(schema.get("minLength", 0), "0")[: schema.get("maxLength")]
