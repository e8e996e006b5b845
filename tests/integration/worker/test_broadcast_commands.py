"""`python -m wxbus_worker broadcast` on a real Redis; no worker runs, so nothing is sent."""

import asyncio
import json
from pathlib import Path

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from tests.support.proxy import proxied
from tests.support.stores import open_store
from wxbus.bus.topology import Topology
from wxbus.messages.broadcasts import NewBroadcast
from wxbus.wechat import reply
from wxbus_worker.cli.broadcast_commands import broadcast as command
from wxbus_worker.cli.broadcasts import until_ended
from wxbus_worker.store.broadcasts import Broadcasts

pytestmark = pytest.mark.integration

START = ("start", "--account", "shop", "--text", "sale", "--yes", "--detach")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str, topology: Topology, redis: Redis) -> Path:
    """Return the current folder, with an accounts file whose secrets are not set here."""
    assert redis is not None
    (tmp_path / "accounts.toml").write_text(
        '[accounts.shop]\nappid = "wx1"\nkind = "official_account"\nsecret_env = "NOT_SET_HERE"\n'
        '[accounts.mini]\nappid = "wx2"\nkind = "mini_program"\n'
    )
    for name, value in {
        "REDIS_URL": redis_url,
        "NAMESPACE": topology.namespace,
        "ACCOUNTS_FILE": "accounts.toml",
    }.items():
        monkeypatch.setenv(f"WXBUS_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, code: int = 0, answer: str = "") -> str:
    """Run a command and return all that it prints."""
    result = CliRunner().invoke(command, list(words), input=answer)
    assert result.exit_code == code, result.output
    return result.output


def test_a_broadcast_from_the_command_line(folder: Path) -> None:
    """It starts with the recipients of a file and of options, each once; it pauses, resumes and ends."""
    (folder / "openids.txt").write_text("﻿o_1\no_2\n\n o_3 \no_1\n", encoding="utf-8")
    start = (*START, "--to", "openids.txt", "--openid", "o_4", "--id", "sale-1", "--rate", "20")
    run(*start)
    run(*start)  # as after an interruption
    status = json.loads(run("status", "sale-1", "--json"))
    assert (status["state"], status["total"], status["waiting"], status["rate"]) == ("running", 4, 4, 20)
    assert run("pause", "sale-1") == "paused (paused by an operator): 0 sent, 0 refused, 4 to come, 4 in all\n"
    assert run("watch", "sale-1") == run("status", "sale-1")
    assert run("resume", "sale-1").startswith("running: ")
    assert run("cancel", "sale-1") == "cancelled: 0 sent, 0 refused, 4 in all\n"
    assert run("refused", "sale-1") == "openid,reason\n"
    assert "sale-1" in run("list")


def test_a_dry_run_counts_the_recipients(folder: Path) -> None:
    """It ends at once, with nothing to send, and asks for no confirmation."""
    (folder / "openids.txt").write_text("".join(f"o_{number}\n" for number in range(2500)))
    printed = run("start", "--account", "wx1", "--text", "sale", "--to", "openids.txt", "--dry-run")
    assert printed.endswith("done: a dry run, 2500 recipients, nothing is sent\n")


def test_nothing_starts_without_a_confirmation() -> None:
    """The question names number and account; "n" creates no broadcast."""
    printed = run("start", "--account", "shop", "--text", "sale", "--openid", "o_1", "--id", "sale-2", answer="n\n")
    assert "send text to 1 user of shop?" in printed
    assert "there is no broadcast sale-2" in run("status", "sale-2", code=2)


def test_wrong_options_are_refused_with_one_line(folder: Path) -> None:
    """The line names what is wrong, before anything is stored."""
    (folder / "bad.txt").write_text("o_1\no 2\n")
    (folder / "message.json").write_text('{"kind": "template", "template_id": "t"}')
    (folder / "good.json").write_text('{"kind": "template", "template_id": "t", "data": {"thing1": "Tea"}}')
    for words, reason in (
        ((*START, "--to", "bad.txt"), "bad.txt, line 2: not an openid"),
        (START, "give recipients by --to and --openid, or else --tag or --all"),
        ((*START, "--all", "--openid", "o_1"), "give recipients by --to and --openid, or else --tag or --all"),
        ((*START, "--all", "--tag", "1"), "tag and all_followers exclude each other"),
        ((*START, "--message", "good.json", "--openid", "o_1"), "give either --text or --message"),
        (
            ("start", "--account", "shop", "--message", "message.json", "--openid", "o_1"),
            "message.json: template.data: is missing",
        ),
        (
            ("start", "--account", "shp", "--text", "sale", "--openid", "o_1"),
            "there is no account shp in accounts.toml; the accounts are shop, mini",
        ),
        ((*START, "--openid", "o_1", "--id", "a b"), "id: String should match pattern"),
        (
            ("start", "--account", "mini", "--text", "sale", "--all"),
            "account mini is mini_program: only Official Accounts have followers and tags",
        ),
        ((*START[:4], "很长" * 2000, "--openid", "o_1"), "message: the text is too long for one message"),
        (("start", "--account", "shop", "--text", "", "--openid", "o_1"), "--text is empty"),
        (("pause", "nothing"), "there is no broadcast nothing"),
    ):
        printed = run(*words, code=2)
        assert reason in printed
        assert printed.count("\n") == 1
    run("start", "--account", "shop", "--message", "good.json", "--openid", "o_1", "--yes", "--detach", "--id", "t-1")
    assert "another broadcast with the id t-1" in run(*START, "--openid", "o_1", "--id", "t-1", code=2)
    assert run("list").count("│ shop") == 1


async def test_the_progress_survives_an_outage_of_redis(redis_url: str, topology: Topology) -> None:
    """The command waits, and goes on when Redis answers again."""
    async with proxied(redis_url) as (proxy, url), open_store(redis_url) as store, open_store(url) as behind:
        direct, watched = (Broadcasts(one, namespace=topology.namespace) for one in (store, behind))
        new = NewBroadcast(account="shop", message=reply.Text("sale"), rate=1)
        await direct.create(new, account="shop", appid="wx1")
        watching = asyncio.create_task(until_ended(watched, new.id))
        proxy.reset()
        await proxy.until_reset(2)
        await direct.change(new.id, "cancel")
        assert not watching.done()
        proxy.flow()
        assert (await watching).state == "cancelled"
