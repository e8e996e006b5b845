"""Calls that the prose of a page shows, such as `Client.open(..., tls=...)`, fit the code."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path

from tests.support.readme import ROOT

PAGES = sorted(path for path in ROOT.glob("docs/*/*.md") if not path.name.endswith(".zh-CN.md"))
MODULES = (
    "wxbus_worker",
    "wxbus_worker.testing",
    "wxbus_gateway",
    "wxbus_gateway.testing",
    "wxbus.bus.topology",
    "wxbus.rpc",
    "wxbus.rpc.auth.tls",
    "wxbus.rpc.service.access",
    "wxbus.rpc.service.rate_limit",
    "wxbus.tokens",
    "wxbus.tokens.tickets",
)
"""Where the pages' names come from."""


def calls(page: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in the code spans of a page, with its span."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`([^`]+\([^`]*=[^`]*\))`", prose):
        try:
            tree = ast.parse(span.removeprefix("@").strip())
        except SyntaxError:
            continue
        yield from ((span, node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def callable_of(dotted: str) -> object | None:
    """Return the function or class that a page names, None if it is another name."""
    first, *rest = dotted.split(".")
    for module in map(import_module, MODULES):
        if hasattr(module, first):
            found: object = reduce(lambda owner, name: getattr(owner, name, None), rest, getattr(module, first))
            return found
    return None


def test_keywords_of_calls_are_parameters() -> None:
    """Every keyword of a call in the prose is a parameter of the function or class that it names."""
    checked = set()
    for page in PAGES:
        for span, call in calls(page):
            found = callable_of(ast.unparse(call.func))
            if not callable(found) or not call.keywords:
                continue
            parameters = inspect.signature(found).parameters
            checked.add(ast.unparse(call.func))
            if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
                continue
            for keyword in call.keywords:
                assert keyword.arg in parameters, f"{page.name}: `{span}`: there is no parameter {keyword.arg}"
    assert checked >= {"ApiKeyAccess", "Client.open", "HandlerClient", "Router", "Server", "client_tls"}
