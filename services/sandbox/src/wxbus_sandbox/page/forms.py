"""JSON Schemas of the messages and events of Official Accounts and Mini Programs, for the forms of the page."""

import ast
import inspect
import sys
from functools import cache
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from wxbus.wechat import registry
from wxbus.wechat.messages.base import Event, Message
from wxbus_sandbox.control.api import http_error

HEADER: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId"})
"""Fields that the sandbox sets."""
OTHERS: Final = ("kf:", "robot:", "component:")
"""Families of tags that users of these accounts do not send."""
WECOM: Final = "wxbus.wechat.events.wecom_"


class SchemaWithHelp(GenerateJsonSchema):
    """Adds the docstring of each field as its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a model."""
        made, cls = super().model_schema(schema), schema["cls"]
        texts = _field_docs(cls)
        for name, field in cls.model_fields.items():
            if name in texts and (shown := made.get("properties", {}).get(field.alias or name)) is not None:
                shown["description"] = texts[name]
        return made


async def forms(_request: web.Request) -> web.Response:
    """Answer with the tag, `MsgType`, `Event` and meaning of every message and event."""
    return web.json_response(
        [
            {"tag": tag, "type": "event" if event else tag, "event": event, "title": _title(model)}
            for tag, model in _offered().items()
            for event in [model.model_fields["event"].default if issubclass(model, Event) else None]
        ]
    )


async def form(request: web.Request) -> web.Response:
    """Answer with the JSON Schema of a message or event, without the fields that the sandbox sets."""
    model = _offered().get(tag := request.match_info["tag"])
    if model is None:
        raise http_error(f"there is no form of {tag[:80]!r}: /sandbox/forms lists all", status=404)
    return web.json_response(_schema(model))


def routes() -> list[web.RouteDef]:
    """Return the routes of the forms."""
    return [web.get("/sandbox/forms", forms), web.get("/sandbox/forms/{tag}", form)]


@cache
def _offered() -> dict[str, type[Message]]:
    return {
        tag: model
        for tag, model in registry.models().items()
        if not tag.startswith(OTHERS) and not tag.endswith("unknown") and not model.__module__.startswith(WECOM)
    }


@cache
def _schema(model: type[Message]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=SchemaWithHelp)
    schema["properties"] = {name: field for name, field in schema["properties"].items() if name not in HEADER}
    schema["required"] = [name for name in schema.get("required", ()) if name not in HEADER]
    return schema


def _title(model: type[Message]) -> str:
    return (inspect.getdoc(model) or "").partition("\n")[0]


def _field_docs(cls: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a class's fields, which stand below them in the source."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            docs |= _docs_of_module(base.__module__).get(base.__name__, {})
    return docs


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: dict(_pairs(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _pairs(node: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(below.value.value))
        for field, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    ]
