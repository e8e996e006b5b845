"""The OpenAPI 3.1 document of a server, made from its declarations."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from wxbus.rpc import problems
from wxbus.rpc.declaration import Method
from wxbus.rpc.server import Server

REF: Final = "#/components/schemas/{model}"
REFUSALS: Final[Mapping[int, str]] = {
    400: "The body cannot be read.",
    401: "No API key, or a wrong one.",
    403: "The API key has not the scope.",
    404: "There is no such method or thing.",
    406: "The answer cannot be written in a format that you accept.",
    408: "The body did not arrive in time.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    415: "The format or the encoding of the body is not known.",
    422: "The request does not fit.",
    429: "Too many calls.",
    500: "A fault of the service.",
    503: "Not available just now.",
}
WAITING: Final = frozenset({429, 503})
"""Refusals that come with a time to wait."""


class InvalidField(BaseModel):
    """A field of the request that does not fit."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as a problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = Field(default=None, description="What is wrong with this very call.")
    retry_after: float | None = Field(default=None, description="Seconds after which to call again.")
    errors: list[InvalidField] | None = None


def document(server: Server, *, title: str, version: str) -> dict[str, Any]:
    """Return the document; it holds what is declared and nothing of what is configured."""
    methods = [method for _, method in sorted(server.methods.items())]
    refs, definitions = models_json_schema(
        [
            (Problem, "serialization"),
            *((method.request, "validation") for method in methods),
            *((method.answer, "serialization") for method in methods),
        ],
        ref_template=REF,
    )
    formats = server.serializers.content_types
    problem = {problems.CONTENT_TYPE: {"schema": refs[Problem, "serialization"]}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "security": [{"key": []}],
        "paths": {
            f"/rpc/{method.service}/{method.name}": {
                "post": _operation(
                    method,
                    request=_content(formats, refs[method.request, "validation"]),
                    answer=_content(formats, refs[method.answer, "serialization"]),
                )
            }
            for method in methods
        },
        "components": {
            "schemas": definitions.get("$defs", {}),
            "responses": {f"Problem{status}": _refusal(status, text, problem) for status, text in REFUSALS.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _operation(method: Method, *, request: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    scopes = ", ".join(f"`{':'.join(needed.words)}`" for needed in method.scopes)
    return {
        "operationId": f"{method.service}.{method.name}",
        "tags": [method.service],
        "summary": method.summary,
        "description": f"Needs an API key with the scope {scopes}.",
        "requestBody": {"required": True, "content": request},
        "responses": {
            "200": {"description": "The answer.", "content": answer},
            **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in REFUSALS},
        },
    }


def _content(formats: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    # The element that XML bodies stand in is `xml`, whatever the model is called.
    return {name: {"schema": {**schema, "xml": {"name": "xml"}} if "xml" in name else schema} for name in formats}


def _refusal(status: int, text: str, content: Mapping[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": text, "content": content}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    if status in WAITING:
        response["headers"] = {
            "Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        }
    return response
