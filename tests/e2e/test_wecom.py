"""The application of WeCom that the documentation shows, through all services with default settings."""

import re
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.readme import ROOT, blocks
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Launcher
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.usefixtures("redis")]


async def test_a_member_gets_a_reply(
    launcher: Launcher, amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path
) -> None:
    """The reply is a message of the application, sent with its own token to WeCom's own address."""
    sample = next(one for one in blocks(ROOT / "docs/how-to/accounts.md", "toml") if 'kind = "wecom"' in one)
    async with Installation.open(
        launcher.run, tmp_path, amqp_url=amqp_url, redis_url=redis_url, topology=topology
    ) as installation:
        (tmp_path / "secrets").mkdir()
        for name in re.findall(r'"secrets/(\w+)"', sample):
            secret = getattr(installation.credentials, name.removeprefix("corp_"))
            (tmp_path / "secrets" / name).write_text(secret, encoding="utf-8")
        (tmp_path / "accounts.toml").write_text(sample, encoding="utf-8")
        await installation.workers("deploy.demo_bot.handlers:router", "worker")
        await installation.ingress()
        async with SandboxClient.open(installation.sandbox_url) as sandbox:
            written = await sandbox.text("corp", "hello", openid="zhangsan")
            [answer] = await sandbox.sent(openid="zhangsan", wait=30)

    assert written.outcome is Outcome.ACKNOWLEDGED
    assert (answer.account, answer.content) == ("corp", "hello (1)")
    assert answer.payload["agentid"] == 1000002
