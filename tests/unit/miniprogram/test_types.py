"""The types of the client for Mini Programs say what the client has."""

import re

from tests.support.readme import ROOT
from wxbus_gateway.sessions.session import SessionState

CLIENT = ROOT / "clients/miniprogram"
TYPES = (CLIENT / "wxbus.d.ts").read_text()
BETWEEN_FILES = {"token", "address", "forget", "remove", "platform", "heartbeat"}
"""Members of the client that only its socket uses."""


def typed(name: str) -> set[str]:
    """Return the members of a type."""
    body = re.search(rf"^export (?:interface|class) {name}\b.*?\{{\n(.*?)^\}}", TYPES, re.MULTILINE | re.DOTALL)
    assert body, name
    return set(re.findall(r"^  (?:readonly )?(\w+)[?(<:]", body[1], re.MULTILINE))


def implemented(file: str, name: str) -> set[str]:
    """Return the public methods, accessors and fields of a class."""
    script = (CLIENT / file).read_text()
    body = re.search(rf"^class {name}\b.*?\{{\n(.*?)^\}}", script, re.MULTILINE | re.DOTALL)
    assert body, name
    methods = re.findall(r"^  (?:async |get )?(\w+)\(.*\{$", body[1], re.MULTILINE)
    fields = re.findall(r"^    this\.(\w+) = ", body[1], re.MULTILINE)
    return {member for member in [*methods, *fields] if not member.startswith("_")} - {"constructor", "name"}


def test_types_and_implementation_have_the_same_members() -> None:
    """Each public member of a class is typed, and nothing else is."""
    assert implemented("wxbus.js", "Client") - BETWEEN_FILES == typed("Client")
    assert implemented("socket.js", "Socket") == typed("Socket")
    assert implemented("errors.js", "WxbusError") == typed("WxbusError")


def test_options_and_states_are_typed() -> None:
    """The options that the client reads, and the fields of a session's state."""
    script = (CLIENT / "wxbus.js").read_text()
    assert set(re.findall(r"\boptions\.(\w+)", script)) - {"idempotencyKey"} == typed("ClientOptions")
    assert set(SessionState.model_fields) - {"token"} == typed("SessionState")


def test_the_package_has_every_file() -> None:
    """A file that is not in `files` is missing where the package is installed."""
    package = (CLIENT / "package.json").read_text()
    for file in CLIENT.iterdir():
        assert file.name == "package.json" or f'"{file.name}"' in package, file.name
