"""JSON Schemas of the messages and events of Official Accounts and Mini Programs, for the forms of the page."""

import inspect
from functools import cache
from typing import Any, Final

from aiohttp import web

from wxbus.field_docs import SchemaWithFieldDocs
from wxbus.wechat.messages.base import Event, Message
from wxbus_sandbox.control.api import http_error

HEADER: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId"})
"""Fields that the sandbox sets."""
OTHERS: Final = ("kf:", "robot:", "component:")
"""Families of tags that users of these accounts do not send."""
WECOM: Final = "wxbus.wechat.events.wecom_"


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
    from wxbus.wechat import registry  # noqa: PLC0415 - the models are a third of the start, and only the page needs them

    return {
        tag: model
        for tag, model in registry.models().items()
        if not tag.startswith(OTHERS) and not tag.endswith("unknown") and not model.__module__.startswith(WECOM)
    }


@cache
def _schema(model: type[Message]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=SchemaWithFieldDocs)
    schema["properties"] = {name: field for name, field in schema["properties"].items() if name not in HEADER}
    schema["required"] = [name for name in schema.get("required", ()) if name not in HEADER]
    return schema


def _title(model: type[Message]) -> str:
    return (inspect.getdoc(model) or "").partition("\n")[0]
