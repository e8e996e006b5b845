"""The OpenAPI document of each account, `/{account}/openapi.json`, and the page to try it, `/{account}/docs`."""

from collections.abc import Mapping
from functools import cache, lru_cache, partial
from importlib.metadata import version
from typing import Any, Final

from wxbus.rpc.page import openapi
from wxbus.rpc.page.pages import Page, pages
from wxbus.rpc.service.server import Server
from wxbus_gateway.http.paths import path_of
from wxbus_gateway.services.access import Public
from wxbus_gateway.sessions.session import Session, SessionState
from wxbus_gateway.users.model import Phone, Profile

NEEDS: Final[Mapping[object, str]] = {
    Public: "Requires no session.",
    Session: "Requires a session.",
    Profile: "Requires a session and the user's profile.",
    Phone: "Requires a session and the user's phone number.",
}


class Descriptions:
    """The pages of each account, created at the first request."""

    def __init__(self, server: Server) -> None:
        self.of = lru_cache(maxsize=256)(partial(_pages, server))


def _pages(server: Server, account: str) -> Mapping[str, Page]:
    style = openapi.Style(
        path=partial(path_of, account),
        needs=lambda method: NEEDS[method.needs],
        key="The token of a session.",
        envelope=_envelope,
    )
    described = partial(openapi.document, server, title=f"Services of {account}", version=version("wxbus"), style=style)
    return pages(described(), described(json_only=True))


def _envelope(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["result", "session"],
        "properties": {"result": answer, "session": {"anyOf": [_session(), {"type": "null"}]}},
    }


@cache
def _session() -> dict[str, Any]:
    return SessionState.model_json_schema(mode="serialization")
