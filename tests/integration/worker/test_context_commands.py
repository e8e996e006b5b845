"""`python -m wxbus_worker context` and `open_contexts` on contexts in Redis."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from tests.support.stores import open_store
from wxbus.wechat.documents.document import Document
from wxbus_worker import Router, open_contexts, reply
from wxbus_worker.cli.context_commands import context as command
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.context.records import record
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration

DOCUMENT: Document = {
    "ToUserName": "gh",
    "FromUserName": "o_1",
    "CreateTime": "1",
    "MsgType": "text",
    "Content": "茶",
    "MsgId": "1",
}


class Cart(BaseModel):
    """A storage model."""

    items: list[str] = []


async def test_an_operator_lists_shows_and_drops_contexts(
    redis_url: str, namespace: str, redis: object, tmp_path: Path
) -> None:
    """Accounts are named as in the accounts file, or by appid; dropping asks first; programs read by their model."""
    assert redis is not None
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.shop]\nappid = "wx1"\n', encoding="utf-8")
    env = {"WXBUS_REDIS_URL": redis_url, "WXBUS_NAMESPACE": namespace, "WXBUS_ACCOUNTS_FILE": str(accounts)}

    async def run(*words: str, answer: str = "", code: int = 0) -> str:
        result: Result = await asyncio.to_thread(
            CliRunner().invoke, command, list(words), input=answer, env={"COLUMNS": "200", **env}
        )
        assert result.exit_code == code, result.output
        return result.stdout

    async with open_store(redis_url) as store:
        contexts = RedisContextStore(store, namespace=namespace, policy=ContextPolicy(storage=Cart))
        for appid, openid in (("wx1", "o_1"), ("wx1", "o_2"), ("wx2", "o_1")):
            key = ContextKey.of_user(appid, openid)
            opened = await contexts.open(key, "m1")
            storage: Any = opened.context.storage
            storage.items.append("tea")
            record(opened.context, DOCUMENT, [reply.Text("Yes")], received_at=1_700_000_000)
            await contexts.commit(key, "m1", opened, [], attempt_id="r")

    assert (await run("list")).endswith("3 contexts\n")
    listed = [json.loads(line) for line in (await run("list", "--account", "shop", "--json")).splitlines()]
    assert {(one["appid"], one["openid"]) for one in listed} == {("wx1", "o_1"), ("wx1", "o_2")}
    shown = json.loads(await run("show", "shop", "o_1", "--messages"))
    assert shown["storage"] == {"items": ["tea"]}
    assert (shown["requests"][0]["Content"], shown["responses"][0]["content"]) == ("茶", "Yes")
    assert json.loads(await run("show", "wx2", "o_1"))["requests"] == 1
    await run("show", "shop", "o_9", code=1)
    for words in (("list", "--account", "shp"), ("show", "shp", "o_1"), ("drop", "shp", "o_1", "--yes")):
        await run(*words, code=2)  # a wrong name is no account without contexts

    assert await run("drop", "shop", "o_1", answer="n\n") == "drop the context of o_1? [y/N]: n\n"
    assert await run("drop", "shop", "1", "2", answer="n\n") == "drop the contexts of 2 users? [y/N]: n\n"
    assert await run("drop", "shop", "o_1", "o_9", "--yes") == "1 dropped\n"
    assert await run("drop-all", "--account", "shop", "--yes") == "1 dropped\n"
    router = Router(storage=Cart)
    router.default(_nothing)
    async with open_contexts(redis_url, router, namespace=namespace) as opened_contexts:
        found = await opened_contexts.get("wx2", "o_1")
        assert found is not None
        storage = found.storage
        assert storage == Cart(items=["tea"])
    assert await run("drop-all", "--yes") == "1 dropped\n"
    assert await run("list") == "0 contexts\n"


async def _nothing() -> None: ...
