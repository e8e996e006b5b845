"""Contexts in traces (decision 0048)."""

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus_worker import MessageHandler, Router, TextMessage
from wxbus_worker.adapters import load_accounts
from wxbus_worker.context.context import Context, ContextPolicy, encode
from wxbus_worker.context.traced import MAX_BYTES, traced_contexts
from wxbus_worker.handlers.route import Route
from wxbus_worker.settings import WorkerSettings

BEFORE, AFTER = "wxbus__context__before", "wxbus__context__after"


def test_a_trace_has_the_context_before_and_after() -> None:
    """It is as read and as it will be written; a new conversation has no "before", a removed context no "after"."""
    context: Context = Context("wx1", "o1", ContextPolicy())
    context.storage["count"] = 1
    first = traced_contexts(context, removed=False)
    assert first[BEFORE] == ""
    assert json.loads(first[AFTER])["storage"] == {"count": 1}
    again: Context = Context("wx1", "o1", ContextPolicy(), encode(context))
    again.storage["count"] = 2
    second = traced_contexts(again, removed=False)
    assert [json.loads(second[name])["storage"]["count"] for name in (BEFORE, AFTER)] == [1, 2]
    assert traced_contexts(again, removed=True)[AFTER] == ""


def test_secrets_and_long_texts_are_not_in_traces() -> None:
    """Values of secrets' names are hidden at any depth, texts are cut, and so is the whole."""
    context: Context = Context("wx1", "o1", ContextPolicy())
    context.storage["login"] = [{"session_key": "hunter2", "name": "x" * 5_000}]
    shown = json.loads(traced_contexts(context, removed=False)[AFTER])["storage"]
    assert shown == {"login": [{"session_key": "***", "name": "x" * 1_000 + "…"}]}
    context.storage["many"] = ["中" * 900] * 100
    text = traced_contexts(context, removed=False)[AFTER]
    assert len(text.encode()) <= MAX_BYTES + 10
    assert text.endswith("…")


def test_contexts_are_refused_with_wechats_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Contexts have what users wrote: traces of real accounts must not contain them."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(
        '[accounts.shop]\nkind = "official_account"\nappid = "wx0123456789abcdef"\ntoken = "t0ken"\nmodes = ["plain"]\n'
    )
    for name, value in {
        "WXBUS_AMQP_URL": "amqp://127.0.0.1/",
        "WXBUS_REDIS_URL": "redis://127.0.0.1/",
        "WXBUS_ACCOUNTS_FILE": str(accounts),
        "WXBUS_WORKER_TOKEN_API_KEY": "key",
        "WXBUS_WORKER_TRACE_CONTEXTS": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WXBUS_WECHAT_API_URL", "https://api.weixin.qq.com")
    with pytest.raises(ConfigurationError, match="WXBUS_WORKER_TRACE_CONTEXTS"):
        load_accounts(load(WorkerSettings), CollectorRegistry())
    for name in ("WXBUS_WECHAT_API_URL", "WXBUS_WECOM_API_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:8082")
    assert load_accounts(load(WorkerSettings), CollectorRegistry()).current.named("shop").name == "shop"


class Shop(MessageHandler):
    """A handler as a class."""

    async def on_text(self, message: TextMessage) -> None:
        """Do nothing."""


def test_a_route_knows_file_and_line_of_its_handler() -> None:
    """A trace names the file and line of a function and of a method."""
    router = Router("shop")

    @router.text
    async def hello(message: TextMessage) -> None: ...

    routes = [entry for part in (router, Shop().as_router()) for entry in part.entries if isinstance(entry, Route)]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert len(routes) == 2
    for route in routes:
        file, line = route.source
        assert Path(file) == Path(__file__)
        assert route.name.rpartition(".")[2] in "".join(lines[line - 1 : line + 1])
