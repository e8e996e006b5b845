"""docs/reference/asyncapi.json, the contract of programs that publish requests to RabbitMQ."""

import json
from typing import Any

import jsonschema_rs

from tests.support.readme import ROOT
from wxbus.bus.topology import Topology
from wxbus.messages.asyncapi import document
from wxbus.messages.requests import parse_submission

WRITTEN = json.loads((ROOT / "docs/reference/asyncapi.json").read_text(encoding="utf-8"))


def test_the_document_is_that_of_the_models() -> None:
    """The file is what `python -m wxbus.messages.asyncapi` prints."""
    assert document() == WRITTEN


def test_the_address_is_that_of_the_queue() -> None:
    """The channel's address with its default is the queue of the default installation."""
    (channel,) = WRITTEN["channels"].values()
    address = channel["address"].format(namespace=channel["parameters"]["namespace"]["default"])
    assert address == Topology().requests_queue.name


def test_every_example_is_a_request() -> None:
    """Each example fits its schema, and a worker takes it; with an unknown field neither does."""
    count = 0
    for message in WRITTEN["components"]["messages"].values():
        schema = {**message["payload"], "components": WRITTEN["components"]}
        validator = jsonschema_rs.validator_for(schema)
        for example in message["examples"]:
            validator.validate(example["payload"])
            parse_submission(json.dumps(example["payload"]).encode())
            assert not validator.is_valid({**example["payload"], "surprise": 1})
            count += 1
    assert count == 4


def test_every_reference_has_a_target() -> None:
    """No `$ref` of the document points to nothing."""

    def check(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                target = WRITTEN
                for name in reference.removeprefix("#/").split("/"):
                    target = target[name]
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                check(inner)

    check(WRITTEN)
