"""A third-party platform is added while all services run: from its first ticket to a reply to a user."""

import asyncio
from pathlib import Path

import pytest

from tests.support.installation import Installation
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Launcher
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.usefixtures("redis")]

PLATFORM = """
[accounts.platform]
appid = "wx00000000000000e1"
kind = "component"
token = "{0.token}"
aes_key = "{0.aes_key}"
secret = "{0.secret}"
"""
BAKERY = "wx00000000000000e2"
USER = "oUser0000000000000000000001"


async def test_a_user_of_an_authorizer_gets_a_reply(
    launcher: Launcher, amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path
) -> None:
    """No service restarts and no authorizer is listed; the reply is sent with the authorizer's own token."""
    async with (
        Installation.open(
            launcher.run, tmp_path, amqp_url=amqp_url, redis_url=redis_url, topology=topology
        ) as installation,
        asyncio.timeout(220),
    ):
        await installation.token()
        await installation.ingress()
        await installation.worker("deploy.demo_bot.handlers:router", WXBUS_WORKER_RETRY_DELAYS=",".join(["1s"] * 30))
        add(PLATFORM.format(installation.credentials), tmp_path / "accounts.toml")
        await installation.sandbox(WXBUS_SANDBOX_PUSH_SPACING="0.5")
        async with SandboxClient.open(installation.sandbox_url) as sandbox:
            while (ticket := (await sandbox.component_ticket("platform")).push) is None or not ticket.outcome.settled:
                pass  # until ingress has read the file; each ticket takes up to three attempts
            authorized = await sandbox.authorize("platform", BAKERY)
            written = await sandbox.text("platform", "hello", openid=USER, authorizer_appid=BAKERY)
            [answer] = await sandbox.sent(openid=USER, wait=90)

    assert authorized.push is not None
    assert authorized.push.outcome is written.outcome is Outcome.ACKNOWLEDGED
    assert (answer.appid, answer.content) == (BAKERY, "hello (1)")


def add(account: str, file: Path) -> None:
    """Add an account to the accounts file."""
    with file.open("a", encoding="utf-8") as accounts:
        accounts.write(account)
