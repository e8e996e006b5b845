"""The public names: what `wxbus_worker` exports, what the reference lists and what samples import are the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import wxbus_gateway
import wxbus_worker
from tests.support.readme import ROOT, blocks
from wxbus.wechat import Message
from wxbus_worker import reply, testing

PAGES = [ROOT / "docs/reference/handlers.md", ROOT / "docs/reference/handlers.zh-CN.md"]
DOCUMENTS = [
    ROOT / name
    for page in (
        "README",
        "docs/tutorial/first-bot",
        "docs/how-to/handlers",
        "docs/how-to/wecom",
        "docs/reference/handlers",
    )
    for name in (f"{page}.md", f"{page}.zh-CN.md")
]
BOTS = ("blocking", "deadly", "forgetting", "leaky", "passive_bot", "recording")
MODULES = [ROOT / f"{name}.py" for name in ("deploy/demo_bot/handlers", "tests/benchmarks/handlers")]
MODULES += [ROOT / f"tests/support/{name}.py" for name in BOTS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_reference_lists_every_public_name(page: Path) -> None:
    """Rows and `parts` are the names of `wxbus_worker` and `wxbus_worker.testing`, each once."""
    text = page.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    for parts in re.findall(r"^`parts`[:：](.*)$", text, re.MULTILINE):
        listed += re.findall(r"`(\w+)`", parts)

    assert sorted(listed) == sorted([*wxbus_worker.__all__, *testing.__all__])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_reference_names_events_as_wechat_does(page: Path) -> None:
    """The name in an event's row is the one that its class declares."""
    rows = re.findall(r"^\| `(\w+Event)` \| (`.*`) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(rows) > 200
    for name, named in rows:
        event: type[Message] = getattr(wxbus_worker, name)
        declared = next(event.model_fields[field] for field in ("event", "info_type") if field in event.model_fields)
        assert re.findall(r"`([^`]+)`", named) == [declared.default, *event.other_names]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_reference_lists_every_reply(page: Path) -> None:
    """The row of `reply` has the classes of the module that handlers return."""
    (row,) = re.findall(r"^\| `reply` \|(.*)\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    parts = {"Article", "CorpArticle", "MenuItem"}

    assert {*re.findall(r"`(\w+)`", row)} - parts == {
        kind.__name__ for kind in (*get_args(reply.AnyReply), reply.EventResponse)
    }


def samples() -> Iterator[tuple[str, str]]:
    """Each sample of handlers, with its file's name."""
    for document in DOCUMENTS:
        yield document.name, "\n".join(blocks(document, "python"))
    for module in MODULES:
        yield module.name, module.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "sample"), list(samples()))
def test_samples_import_public_names_only(name: str, sample: str) -> None:
    """Handlers need `wxbus_worker` and its `testing`, services `wxbus_gateway`, and no other module of wxbus."""
    imports = [node for node in ast.walk(ast.parse(sample)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("wxbus")]

    assert ours, name
    public = {
        "wxbus_worker": wxbus_worker.__all__,
        "wxbus_worker.testing": testing.__all__,
        "wxbus_gateway": wxbus_gateway.__all__,
    }
    for node in ours:
        assert {alias.name for alias in node.names} <= {*public[str(node.module)]}


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typing error in an import is reported as Python reports it, and completion offers the public names."""
    with pytest.raises(ImportError, match="Rooter"):
        from wxbus_worker import Rooter  # noqa: F401
    assert dir(wxbus_worker) == wxbus_worker.__all__
