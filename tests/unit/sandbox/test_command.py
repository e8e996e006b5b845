"""The command line: one process serves, others act as users."""

import asyncio
import json
import os
import re
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.sandbox import AES_KEY, SECRET, TOKEN, FakeIngress, answering, serving
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.cli.send import describe, replies_to, report
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import (
    Attempt,
    Outcome,
    SendResult,
    Sent,
)
from wxbus_sandbox.pushes.composer import TYPES

ACCOUNTS = f"""
[accounts.shop]
appid = "wxshop"
kind = "official_account"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
secret = "{SECRET}"
"""


async def start(**environment: str) -> Process:
    """Start a sandbox process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WXBUS_")}
    command = (sys.executable, "-m", "wxbus_sandbox")
    return await asyncio.create_subprocess_exec(*command, env=inherited | environment, stdout=PIPE, stderr=PIPE)


async def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, output and errors."""
    unset = dict.fromkeys(name for name in os.environ if name.startswith("WXBUS_"))
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=unset)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@asynccontextmanager
async def a_sandbox(folder: Path, ingress_url: str) -> AsyncIterator[tuple[Process, str]]:
    """Run a sandbox process; yield it with its address."""
    accounts = folder / "accounts.toml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    process = await start(
        WXBUS_ACCOUNTS_FILE=str(accounts),
        WXBUS_SANDBOX_PORT="0",
        WXBUS_SANDBOX_INGRESS_URL=ingress_url,
        WXBUS_SANDBOX_PUSH_SPACING="0",
        WXBUS_SANDBOX_PUSH_TIMEOUT="60",
    )
    assert process.stderr is not None
    try:
        line = json.loads(await process.stderr.readline())
        yield process, f"http://127.0.0.1:{line['port']}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_send_prints_replies_and_failures(tmp_path: Path) -> None:
    """Failures have exit code 1; SIGTERM ends the sandbox with exit code 0; logs have no secrets."""
    ingress = FakeIngress(time.time)
    async with (
        serving(ingress.app()) as port,
        a_sandbox(tmp_path, f"http://127.0.0.1:{port}") as (process, url),
    ):
        code, out, _ = await run("send", "text", "hello", "--openid", "o1", "--wait", "0", "--url", url)
        assert (code, "acknowledged" in out) == (0, True)
        document = ingress.received[0].opened.document
        assert (document["Content"], document["FromUserName"]) == ("hello", "o1")

        code, _, _ = await run("send", "event", "CLICK", "--field", "EventKey=K=1", "--wait", "0", "--url", url)
        assert code == 0
        assert ingress.received[1].opened.document["EventKey"] == "K=1"

        ingress.answers.extend([answering("", 503)] * 3)
        code, out, _ = await run("send", "text", "again", "--wait", "0", "--url", url)
        assert (code, out.count("failed"), "服务出现故障" in out) == (1, 3, True)

        code, out, _ = await run("send", "text", "nothing", "--wait", "0.1", "--url", url)
        assert (code, "no reply in 0.1 s" in out) == (0, True)

        code, _, err = await run("send", "txt", "hello", "--url", url)
        assert (code, "unknown type 'txt'" in err, "{" in err) == (1, True, False)
        assert all(name in err for name in (*TYPES, "event"))

        code, _, err = await run("send", "text", "x", "--account", "other", "--url", url)
        assert (code, "known accounts: shop" in err) == (1, True)

        process.terminate()
        _, err_bytes = await process.communicate()
        assert process.returncode == 0
        logged = err_bytes.decode()
        assert not re.search(f"{TOKEN}|{SECRET}|{AES_KEY}|hello", logged)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """The error is one line without a traceback."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await start(WXBUS_ACCOUNTS_FILE=str(accounts), WXBUS_SANDBOX_PORT=str(port))
        err = (await process.communicate())[1].decode()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in err
    assert "Traceback" not in err


async def test_all_replies_are_returned() -> None:
    """After each reply the command waits for a further one."""
    replies = [
        Sent(
            time=time.time(),
            account="shop",
            appid="wx1",
            openid="o1",
            msgtype="text",
            payload={"text": {"content": one}},
        )
        for one in ("first", "second", "third")
    ]

    class SlowSandbox(SandboxClient):
        """Returns one more reply with each call."""

        def __init__(self) -> None:
            pass

        async def sent(self, *, count: int = 1, **_: Any) -> list[Sent]:
            return replies[:count]

    assert await replies_to(SlowSandbox(), PUSHED, wait=5) == replies


ATTEMPT = Attempt(status=200, body="success", ms=12.3, outcome=Outcome.ACKNOWLEDGED)
PUSHED = SendResult(
    account="shop", openid="o1", msg_id="1", time=0.0, message={}, attempts=(ATTEMPT,), outcome=Outcome.ACKNOWLEDGED
)


def sent(msgtype: str, **content: object) -> Sent:
    """Return a customer-service message."""
    payload = {"touser": "o1", "msgtype": msgtype, msgtype: content}
    return Sent(time=0.0, account="shop", appid="wxshop", openid="o1", msgtype=msgtype, payload=payload)


def test_the_first_line_is_the_reply() -> None:
    """The first line is the text alone, without decoration."""
    lines = list(report(PUSHED, [sent("text", content="hello (1)")], wait=5))

    assert lines[0] == "hello (1)"
    assert lines[1:] == ["  acknowledged in 12 ms (status 200, body success)"]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (sent("image", media_id="M1"), "[image] M1"),
        (sent("news", articles=[{"title": "New tea", "url": "https://a.b/"}]), "[news] New tea https://a.b/"),
        (sent("msgmenu", head_content="Which?", list=[{"id": "1", "content": "A"}]), "[msgmenu] Which?"),
    ],
)
def test_other_replies_than_texts_are_described(message: Sent, line: str) -> None:
    """The line has the type and the fields that identify the message."""
    assert describe(message) == line


def test_a_missing_reply_is_reported() -> None:
    """Without a reply in time the output says so."""
    assert next(iter(report(PUSHED, [], wait=5))).startswith("no reply in 5 s")


async def test_a_missing_accounts_file_is_named() -> None:
    """The error names the variable, without a traceback."""
    code, _, err = await run()
    assert code == 1
    assert "WXBUS_ACCOUNTS_FILE" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(("send", "event"), "name the event"), (("send", "text", "x", "--field", "novalue"), "NAME=VALUE")],
)
async def test_invalid_arguments_are_errors(arguments: tuple[str, ...], problem: str) -> None:
    """The exit code is 2 and the error names the argument."""
    code, _, err = await run(*arguments)
    assert code == 2
    assert problem in err
