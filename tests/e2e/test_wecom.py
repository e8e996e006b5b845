"""The application of WeCom that the documentation shows, through all services with default settings."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.readme import ROOT, blocks
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Launcher
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.usefixtures("redis")]

CUSTOMERS, MESSAGES = 4, 10
WORDS = 20
"""Of `tests.support.robot_bot`."""
ROBOT = """
[accounts.assistant]
kind = "wecom"
appid = "assistant"
receive_id = ""
token = "{0.token}"
aes_key = "{0.aes_key}"
"""


@pytest.fixture
async def installation(
    launcher: Launcher, amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path
) -> AsyncIterator[Installation]:
    """Yield all services with the documented account, and two workers."""
    sample = next(one for one in blocks(ROOT / "docs/how-to/accounts.md", "toml") if 'kind = "wecom"' in one)
    async with Installation.open(
        launcher.run, tmp_path, amqp_url=amqp_url, redis_url=redis_url, topology=topology
    ) as installation:
        (tmp_path / "secrets").mkdir()
        for name in re.findall(r'"secrets/(\w+)"', sample):
            secret = getattr(installation.credentials, name.removeprefix("corp_"))
            (tmp_path / "secrets" / name).write_text(secret, encoding="utf-8")
        robot = ROBOT.format(installation.credentials)
        (tmp_path / "accounts.toml").write_text(sample + robot, encoding="utf-8")
        settings = {"WXBUS_WORKER_SEND_LEASE": "3", "WXBUS_LOG_LEVEL": "debug"}
        await installation.workers("tests.support.robot_bot:router", "one", "two", **settings)
        await installation.ingress()
        yield installation


async def test_members_and_customers_get_replies(installation: Installation) -> None:
    """A member gets a message of the application, customers get each reply once and in order, a robot's text ends.

    The worker that writes the text, and that pulls and answers for some of the customers, is killed meanwhile.
    """
    async with SandboxClient.open(installation.sandbox_url) as sandbox:
        written = await sandbox.text("corp", "hello", openid="zhangsan")
        [answer] = await sandbox.sent(openid="zhangsan", wait=30)
        assert written.outcome is Outcome.ACKNOWLEDGED
        assert (answer.account, answer.content) == ("corp", "hello (1)")
        assert answer.payload["agentid"] == 1000002

        talk = asyncio.create_task(sandbox.robot("assistant", "count", wait=90))
        writer = await first_to_say(installation, "robot.stream_started")
        for number in range(CUSTOMERS):
            who = {"open_kfid": f"wk{number % 2}", "external_userid": f"wm{number}"}
            await sandbox.customer("corp", "hi", count=MESSAGES, **who)
        await installation.services[writer].kill()
        result = await talk
        conversations = [
            await sandbox.sent(openid=f"wk{number % 2}:wm{number}", count=MESSAGES, wait=60)
            for number in range(CUSTOMERS)
        ]

    assert (result.reason, result.text) == ("", "".join(f"{number} " for number in range(WORDS)) + "\n\ndone")
    lengths = [len(one["stream"]["content"]) for one in result.shown]
    assert lengths == sorted(lengths)
    texts = ["hi (1)", *(f"hi {number} ({number})" for number in range(2, MESSAGES + 1))]
    assert [[one.content for one in answers] for answers in conversations] == [texts] * CUSTOMERS


async def first_to_say(installation: Installation, words: str) -> str:
    """Return the name of the worker whose log has these words first."""
    waiting = {
        name: asyncio.create_task(installation.services[name].until_said(words, times=1)) for name in ("one", "two")
    }
    await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
    found = next(name for name, task in waiting.items() if task.done())
    for task in waiting.values():
        task.cancel()
    return found
