"""The OpenAPI 3.1 document of a server's declarations."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from wxbus.field_docs import SchemaWithFieldDocs
from wxbus.rpc.codec import problems
from wxbus.rpc.codec.formats import Form, Xml
from wxbus.rpc.service.declaration import ServedMethod
from wxbus.rpc.service.server import Server

Schema: TypeAlias = dict[str, Any]

JSON: Final = "application/json"
NULL: Final[Schema] = {"type": "null"}
IN_TEXT: Final = ".text"
"""Suffix of a model in forms and XML, which have no null, if it differs from the model in JSON."""
REF: Final = "#/components/schemas/{model}"
REFUSALS: Final[Mapping[int, str]] = {
    400: "The body is malformed.",
    401: "The API key is missing or invalid.",
    403: "The API key lacks the scope.",
    404: "The method or the resource does not exist.",
    406: "The answer is not available in an acceptable format.",
    408: "The body did not arrive in time.",
    409: "The request conflicts with the current state.",
    413: "The body is too large.",
    415: "The format or the encoding of the body is unknown.",
    422: "The request is invalid.",
    429: "Too many calls.",
    500: "Internal error.",
    503: "Temporarily unavailable.",
}
WAITING: Final = frozenset({429, 503})
"""Refusals with a `Retry-After` header."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a server's transport presents methods."""

    path: Callable[[ServedMethod], str]
    needs: Callable[[ServedMethod], str]
    """The requirements on callers, in one sentence."""
    key: str
    """Describes the credentials that callers send as `Authorization: Bearer ...`."""
    envelope: Callable[[Schema], Schema]
    """Wraps the schema of an answer in JSON."""


RPC: Final = Style(
    path=lambda method: f"/rpc/{method.service}/{method.name}",
    needs=lambda method: f"Requires an API key with the scope {', '.join(f'`{scope}`' for scope in method.scopes)}.",
    key="An API key.",
    envelope=lambda answer: answer,
)


def document(
    server: Server, *, title: str, version: str, json_only: bool = False, style: Style = RPC
) -> dict[str, Any]:
    """Return the document; it contains no configuration.

    `json_only` omits the other formats of bodies, because client generators expect one format.
    """
    methods = list(server.methods.values())
    refs, definitions = models_json_schema(
        [
            (problems.Problem, "serialization"),
            *((method.request, "validation") for method in methods),
            *((method.answer, "serialization") for method in methods),
        ],
        ref_template=REF,
        schema_generator=SchemaWithFieldDocs,
    )
    schemas = definitions.get("$defs", {})
    others = [] if json_only else _with_null(schemas)

    def content(formats: Sequence[str], model: tuple[type[BaseModel], JsonSchemaMode]) -> Schema:
        kept = [name for name in formats if name == JSON or not json_only]
        found = _content(kept, refs[model], others)
        if model[1] == "serialization" and JSON in found:
            found[JSON] = {"schema": style.envelope(refs[model])}
        return found

    problem = {problems.CONTENT_TYPE: {"schema": refs[problems.Problem, "serialization"]}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "security": [{"key": []}],
        "paths": {
            style.path(method): {
                "post": _operation(
                    method,
                    style,
                    request=content(server.serializers.content_types, (method.request, "validation")),
                    answer=content(server.serializers.supporting(method.answer), (method.answer, "serialization")),
                )
            }
            for method in methods
        },
        "components": {
            "schemas": schemas | {f"{name}{IN_TEXT}": _in_text(schemas[name], others) for name in others},
            "responses": {f"Problem{status}": _refusal(status, text, problem) for status, text in REFUSALS.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": style.key}},
        },
    }


def _operation(method: ServedMethod, style: Style, *, request: Schema, answer: Schema) -> Schema:
    return {
        "operationId": f"{method.service}.{method.name}",
        "tags": [method.service],
        "summary": method.summary,
        "description": style.needs(method),
        "requestBody": {"required": True, "content": request},
        "responses": {
            "200": {"description": "The answer.", "content": answer},
            **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in REFUSALS},
        },
    }


def _content(formats: Sequence[str], schema: Schema, others: Collection[str]) -> Schema:
    text = _in_text(schema, others)
    # XML bodies have the root element `xml`. `allOf`, because not every tool reads keywords next to a reference.
    xml = {"allOf": [text], "xml": {"name": "xml"}}
    kinds = {**dict.fromkeys(Form.content_types, text), **dict.fromkeys(Xml.content_types, xml)}
    return {name: {"schema": kinds.get(name, schema)} for name in formats}


def _with_null(schemas: Mapping[str, Schema]) -> list[str]:
    """Return the names of the models with null, which forms and XML omit."""
    found: set[str] = set()
    while more := {name for name, schema in schemas.items() if name not in found and _has_null(schema, found)}:
        found |= more
    return sorted(found)


def _has_null(schema: Any, others: Collection[str]) -> bool:
    if isinstance(schema, dict):
        return schema == NULL or _model(schema) in others or any(_has_null(part, others) for part in schema.values())
    return isinstance(schema, list) and any(_has_null(part, others) for part in schema)


def _in_text(schema: Any, others: Collection[str]) -> Any:
    """Return a schema without null, with its references to `others` renamed."""
    if isinstance(schema, list):
        return [_in_text(part, others) for part in schema if part != NULL]
    if not isinstance(schema, dict):
        return schema
    made = {name: _in_text(part, others) for name, part in schema.items() if (name, part) != ("default", None)}
    if (model := _model(schema)) in others:
        made["$ref"] = REF.format(model=f"{model}{IN_TEXT}")
    if len(choices := made.get("anyOf", ())) == 1:
        del made["anyOf"]
        made = choices[0] | made
    return made


def _model(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _refusal(status: int, text: str, content: Mapping[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": text, "content": content}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    if status in WAITING:
        response["headers"] = {
            "Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        }
    return response
