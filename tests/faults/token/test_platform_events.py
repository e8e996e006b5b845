"""Events of third-party platforms reach the token service, also if it is down when they arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Install
from tests.support.installation import Installation
from wxbus.bus.topology import Topology
from wxbus.errors import TokenRefused
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus.tokens.component import ComponentClient
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.requests import PlatformResult
from wxbus_sandbox.models import Outcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.usefixtures("redis")]

PLATFORM = "wx00000000000000d1"
BAKERY = "wx00000000000000b1"
RETRIES = ",".join(["1s"] * 30)


def add_platform(installation: Installation, folder: Path) -> None:
    """Add a third-party platform to the accounts of an installation."""
    with (folder / "accounts.toml").open("a", encoding="utf-8") as accounts:
        accounts.write(
            f"""
[accounts.platform]
appid = "{PLATFORM}"
kind = "component"
token = "{installation.credentials.token}"
aes_key = "{installation.credentials.aes_key}"
secret = "{installation.credentials.secret}"
"""
        )


@asynccontextmanager
async def clients(installation: Installation) -> AsyncIterator[tuple[TokenClient, ComponentClient]]:
    """Yield clients of the token service with an empty cache."""
    url = f"http://127.0.0.1:{installation.token_port}"
    async with Client.open(url, installation.credentials.api_key) as client:
        tokens = TokenClient(client)
        yield tokens, ComponentClient(client)
        await tokens.aclose()


async def acknowledged(pushed: PlatformResult) -> None:
    """Check that ingress has answered "success"."""
    assert pushed.push is not None
    assert pushed.push.outcome is Outcome.ACKNOWLEDGED


async def test_events_wait_for_the_token_service(
    amqp_url: str, redis_url: str, topology: Topology, install: Install, tmp_path: Path
) -> None:
    """A ticket, an authorisation and a withdrawal that arrive while it is down take effect when it is back."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(100),
    ):
        add_platform(installation, tmp_path)
        await installation.sandbox(WXBUS_LOG_LEVEL="warning")
        await installation.ingress()
        await installation.worker("tests.support.recording:router", WXBUS_WORKER_RETRY_DELAYS=RETRIES)
        async with SandboxClient.open(installation.sandbox_url) as sandbox:
            await acknowledged(await sandbox.component_ticket("platform"))
            await acknowledged(await sandbox.authorize("platform", BAKERY))
            token_service = await installation.token()
            await authorized(installation)
            await token_service.kill()
            await acknowledged(await sandbox.unauthorize("platform", BAKERY))
            await token_service.start()
            await withdrawn(installation)


async def authorized(installation: Installation) -> None:
    """Return as soon as the token service knows the account and has its token."""
    async with clients(installation) as (tokens, platform):
        while not [one for one in await platform.authorizers(PLATFORM) if one.appid == BAKERY]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        assert await tokens.get(BAKERY)


async def withdrawn(installation: Installation) -> None:
    """Return as soon as the token service knows that the account has withdrawn its authorisation."""
    state = ""
    while state != "reauthorize":
        await asyncio.sleep(0.05)
        async with clients(installation) as (tokens, _):  # with nothing in its cache
            try:
                await tokens.get(BAKERY)
            except TokenRefused as exc:
                state = exc.state
