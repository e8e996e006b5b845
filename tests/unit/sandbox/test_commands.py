"""The commands `tail`, `trigger`, `replay`, `export` and `play`."""

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from tests.support.sandbox import World, answering
from wxbus.wechat import reply
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.cli import events
from wxbus_sandbox.cli.tail import Filter, line

USER = "oUser0000000000000000000001"


async def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, output and errors."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


async def test_tail_shows_what_comes(world: World) -> None:
    """A line for each push, failed attempt, message and call; filters and `--json`; it goes on with new entries."""
    world.ingress.answers.append(answering("no", status=500))
    await world.control.text("shop", "hi\x1b[31m there", openid=USER)
    await world.client("shop").send(USER, reply.Text("one"))

    shown = ("tail", "--url", world.url, "--last", "10")
    code, output, _ = await run(*shown, "--count", "5")
    lines = [text[9:] for text in output.splitlines()]
    assert code == 0
    assert lines[0] == f'sent  shop to {USER}  "one"'
    assert [text.split()[0] for text in lines] == ["sent", "call", "call", "retry", "push"]
    assert lines[1].startswith("call  POST /cgi-bin/stable_token  200 in")
    assert "status 500, not 200" in lines[3]
    assert lines[4].startswith(f'push  #1 {USER} to shop  "hi\\u001b[31m there"  acknowledged in ')
    assert lines[4].endswith("attempt 2")
    assert "\x1b" not in output

    code, output, _ = await run(*shown, "--count", "1", "--only", "push", "--openid", USER, "--json")
    assert json.loads(output)["message"]["Content"] == "hi\x1b[31m there"
    code, output, _ = await run(*shown, "--count", "1", "--failed")
    assert output[9:14] == "retry"
    code, output, _ = await run(*shown, "--count", "1", "--path", "*/custom/*")
    assert "/cgi-bin/message/custom/send" in output

    readers = set(world.sandbox.pushes.listeners)  # of commands that ended, until the sandbox writes again
    async with asyncio.TaskGroup() as tasks:
        tailing = tasks.create_task(run("tail", "--url", world.url, "--count", "1", "--only", "push"))
        while world.sandbox.pushes.listeners <= readers:  # noqa: ASYNC110 - the thread cannot be awaited
            await asyncio.sleep(0.01)
        await world.control.text("shop", "later", openid=USER)
    assert '"later"' in tailing.result()[1]
    code, _, errors = await run("tail", "--url", "http://127.0.0.1:1")
    assert (code, "does not answer" in errors) == (1, True)


def test_filters_and_colours() -> None:
    """A filter has all its conditions; calls with an errcode are wrong, and red."""
    call = {"time": 0, "path": "/a", "method": "GET", "status": 200, "answer": {"errcode": 40001}, "ms": 1.0}
    call["request"] = {"touser": USER}
    assert Filter(openid=USER, failed=True)("call", call)
    assert not Filter(openid="other")("call", call)
    assert not Filter(account="shop")("call", call)
    assert not Filter(path="/b*")("call", call)
    assert not Filter(failed=True)("call", {**call, "answer": {"errcode": 0}})
    assert [str(span.style) for span in line("call", call).spans] == ["dim", "red", "red"]
    assert line("call", call).plain[9:] == "call  GET /a  200 errcode 40001 in 1 ms"


async def test_trigger_and_replay(world: World) -> None:
    """Events have the names that WeChat writes; an unknown one is refused with similar names, unless it is wanted."""
    url = ("--url", world.url, "--wait", "0", "--openid", USER)
    code, output, _ = await run("trigger", "click", "--key", "menu", *url)
    assert (code, "acknowledged" in output) == (0, True)
    assert (await run("trigger", "WXBUS_NEW", "--any", "--field", "A=1", *url))[0] == 0
    assert (await run("trigger", "component_verify_ticket", "--account", "platform", *url))[0] == 0
    documents = [received.opened.document for received in world.ingress.received]
    assert (documents[0]["Event"], documents[0]["EventKey"]) == ("CLICK", "menu")
    assert (documents[1]["Event"], documents[1]["A"]) == ("WXBUS_NEW", "1")
    assert documents[2]["InfoType"] == "component_verify_ticket"
    for arguments, reason in ((["subscrib"], "similar: subscribe"), ([], "name the event")):
        code, _, errors = await run("trigger", *arguments, *url)
        assert (code, reason in errors) == (2, True), errors
    assert {"CLICK", "SCAN", "subscribe", "authorized", "TEMPLATESENDJOBFINISH"} <= set(
        (await run("trigger", "--list"))[1].split()
    )
    assert len(events.names()) > 200

    world.ingress.received.clear()
    assert (await run("replay", "#1", *url[:4]))[0] == 0
    assert (await run("replay", "1", "--anew", *url[:4]))[0] == 0
    duplicate, anew = (received.opened.document for received in world.ingress.received)
    assert duplicate == documents[0]
    assert (anew["Event"], anew["EventKey"]) == ("CLICK", "menu")
    code, _, errors = await run("replay", "77", *url[:4])
    assert (code, errors) == (1, "there is no push with the number or MsgId 77\n")


async def test_export_and_play(world: World, tmp_path: Path) -> None:
    """A conversation goes to a file and is played from it; the exit code says whether it is answered the same."""
    await world.control.text("shop", "hi", openid=USER)
    file = tmp_path / "conversation.toml"
    assert (await run("export", str(file), "--url", world.url))[0] == 0
    code, output, _ = await run("export", "--url", world.url, "--openid", USER)
    assert (code, output) == (0, file.read_text("utf-8"))
    code, output, _ = await run("play", str(file), "--url", world.url, "--wait", "0")
    assert (code, output.splitlines()[-2:]) == (0, [f'{USER} "hi"', "turns: 1, with differences: 0"])
    file.write_text('[[turns]]\ntext = "hi"\nreplies = ["hello"]\n')
    code, output, _ = await run("play", str(file), "--url", world.url, "--wait", "0")
    assert (code, output.splitlines()[-2]) == (1, '  reply 1: expected "hello", received none')
    for arguments, reason in (
        (["play", str(tmp_path / "none.toml")], "none.toml"),
        (["export", str(tmp_path / "no" / "folder"), "--url", world.url], "No such file"),
    ):
        code, _, errors = await run(*arguments)
        assert (code, reason in errors) == (1, True), errors
