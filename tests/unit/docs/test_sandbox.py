"""The guide to the sandbox's commands: every command and sample runs."""

import asyncio
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.readme import ROOT, blocks, the_block
from tests.support.sandbox import AES_KEY, TOKEN, World, a_world
from wxbus.conversations import parse_conversation
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.models import BadDay, Trouble
from wxbus_worker import ClickEvent, Context, Router, TextMessage, reply
from wxbus_worker.testing import play

PAGE = ROOT / "docs/how-to/sandbox.md"
PREFIX = ".venv/bin/python -m wxbus_sandbox "
SHORT = {"--rate 500 --users 1000 --seconds 30": "--rate 20 --users 5 --seconds 0.1 --no-replies"}
"""The same command with less work; the handlers of this test do not reply."""

router = Router("hello")


@router.text
async def count(message: TextMessage, context: Context) -> reply.Text:
    """Count texts, as the first handler of the README."""
    context.storage["hellos"] = number = context.storage.get("hellos", 0) + 1
    return reply.Text(f"{number}. {message.content}")


@router.event(ClickEvent)
async def menu() -> reply.News:
    """Show a card."""
    return reply.News((reply.Article("Menu", url="https://example.com/"),))


async def run(world: World, line: str, folder: Path, ingress: str) -> str:
    """Run a line of the guide in a folder; return its output."""
    for long, short in SHORT.items():
        line = line.replace(long, short)
    line = line.replace("https://your.name/wechat/shop", ingress).replace("TOKEN", TOKEN).replace("AES_KEY", AES_KEY)
    line = line.replace("APPID", "wxshop").replace("conversation.toml", str(folder / "conversation.toml"))
    arguments = shlex.split(line.removeprefix(PREFIX))
    if "--url" not in arguments:
        arguments[1:1] = ["--url", world.url]
    if arguments[0] in {"send", "trigger", "replay"}:
        arguments += ["--wait", "0"]
    done = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert done.exit_code == 0, (line, done.output)
    return done.output


async def test_every_command_of_the_guide_runs(tmp_path: Path) -> None:
    """All commands, in the order of the guide, with the addresses of this test."""
    async with a_world() as world:
        lines = [line for block in blocks(PAGE) for line in block.splitlines() if line.startswith(PREFIX)]
        assert len(lines) == 11
        for line in lines:
            if " doctor " not in line:  # the fake ingress of this test does not refuse as a server must
                await run(world, line, tmp_path, "")
        (doctor,) = [line for line in lines if " doctor " in line]
        help_text = CliRunner().invoke(cli, ["doctor", "--help"], env={"COLUMNS": "200"}).output
        assert all(option in help_text for option in re.findall(r"--[\w-]+", doctor))

        (curl,) = [line for block in blocks(PAGE) for line in block.splitlines() if line.startswith("curl")]
        body = shlex.split(curl)[-1]
        await world.control._call("PUT", "/sandbox/bad_day", body=body.encode())
        assert (await world.control.bad_day()).troubles == BadDay.model_validate_json(body).troubles


async def test_the_conversation_of_the_guide_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample file is a conversation, and the sample test passes with handlers like those of the README."""
    text = the_block(PAGE, "toml", "[[turns]]")
    assert len(parse_conversation(text).turns) == 3
    (tmp_path / "conversation.toml").write_text(text, "utf-8")
    await play(tmp_path / "conversation.toml", router)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "hello", sys.modules[__name__])
    names: dict[str, object] = {}
    exec(the_block(PAGE, "python", "play("), names)  # noqa: S102 - the sample
    await names["test_conversation"]()  # type: ignore[operator]


def test_the_guide_names_every_trouble() -> None:
    """The table of the guide has every trouble of the sandbox."""
    table = re.findall(r"^\| (`[^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name for cell in table for name in re.findall(r"`(\w+)`", cell)} == set(Trouble)
