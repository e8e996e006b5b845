"""The AsyncAPI document of the requests queue, docs/reference/asyncapi.json: `python -m wxbus.messages.asyncapi`."""

import json
import sys
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from wxbus.field_docs import SchemaWithFieldDocs
from wxbus.messages.requests import CancelRequest, EventRequest, SendRequest

SCHEMAS: Final = "#/components/schemas/{model}"
REQUESTS: Final[dict[str, tuple[type[BaseModel], tuple[dict[str, Any], ...]]]] = {
    "send": (
        SendRequest,
        (
            {
                "type": "send",
                "account": "shop",
                "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
                "id": "parcel-88001",
                "reply": {"kind": "text", "content": "Your parcel has arrived."},
            },
            {
                "type": "send",
                "account": "shop",
                "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
                "id": "reminder-88001",
                "send_at": "2027-01-01T09:00:00+08:00",
                "reply": {"kind": "template", "template_id": "tpl1", "data": {"thing1": "Coffee"}},
            },
        ),
    ),
    "event": (
        EventRequest,
        (
            {
                "type": "event",
                "account": "shop",
                "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
                "id": "payment-4711",
                "name": "paid",
                "data": {"order": "88001", "cents": 1200},
            },
        ),
    ),
    "cancel": (
        CancelRequest,
        (
            {
                "type": "cancel",
                "account": "shop",
                "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
                "id": "reminder-88001",
            },
        ),
    ),
}
"""Model and examples by type."""


def document() -> dict[str, Any]:
    """Return the document, AsyncAPI 3.0."""
    models = [model for model, _ in REQUESTS.values()]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=SCHEMAS, schema_generator=SchemaWithFieldDocs
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "wxbus: messages from anywhere",
            "version": "1",
            "description": "Requests of other programs about users. Publish them to RabbitMQ's default exchange as "
            "persistent, mandatory messages with confirms; the routing key is the name of the queue. A worker "
            "declares the queue. Requests are taken in order; repeat an unconfirmed one with the same id.",
        },
        "defaultContentType": "application/json",
        "servers": {"rabbitmq": {"host": "rabbitmq:5672", "protocol": "amqp", "protocolVersion": "0.9.1"}},
        "channels": {
            "requests": {
                "address": "{namespace}.messages",
                "parameters": {
                    "namespace": {"default": "wxbus", "description": "WXBUS_NAMESPACE of the installation."}
                },
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in REQUESTS},
                "bindings": {
                    "amqp": {
                        "is": "queue",
                        "queue": {"name": "{namespace}.messages", "durable": True, "exclusive": False},
                        "bindingVersion": "0.3.0",
                    }
                },
            }
        },
        "operations": {
            "takeRequest": {
                "action": "receive",
                "channel": {"$ref": "#/channels/requests"},
                "summary": "A worker puts the message into the user's lane, now or at its time.",
            }
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "summary": model.__doc__,
                    "payload": {"$ref": SCHEMAS.format(model=model.__name__)},
                    "examples": [{"payload": example} for example in examples],
                }
                for name, (model, examples) in REQUESTS.items()
            },
            "schemas": schemas["$defs"],
        },
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
