"""The client for Mini Programs, in Node, against a real gateway; only `wx.*` is a stand-in."""

import asyncio
import json

import pytest

from tests.integration.gateway.test_sockets import a_router, working
from tests.support.gateway import Gateways
from tests.support.programs import program
from tests.support.readme import ROOT
from wxbus_gateway.services.loading import load_application

pytestmark = [pytest.mark.integration, pytest.mark.programs("node")]


async def test_a_visit_with_the_client(world: Gateways) -> None:
    """One login for calls at once, challenges met by the page, and a socket that loses nothing in a cut network."""
    files = (
        ROOT / "tests/integration/gateway/miniprogram_visit.js",
        ROOT / "clients/miniprogram/wxbus.js",
        ROOT / "tests/support/miniprogram.js",
    )
    application = load_application("services:app", app_dir=str(ROOT / "deploy/demo_bot"))
    async with working(world, a_router()), world.running(application) as visitor:
        visit = await asyncio.create_subprocess_exec(
            program("node"),
            *map(str, files),
            visitor().url,
            world.place.sandbox.url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await visit.communicate()
    assert visit.returncode == 0, errors.decode()
    seen = json.loads(output)
    assert seen == {
        "logins": 1,
        "created": ["1", "2", "3", "4", "5"],
        "delivered": "tea is on its way; we call *8000",
        "asked": ["phone"],
        "phone": True,
        "error": [True, 422, ["item"]],
        "pushes": [1, 2, 3, 4, 5, 6],
        "connections": seen["connections"],
        "refused": ["the message is refused", 2],
        "logout": ["the socket is closed"] * 2,
        "resumed": ["12 yuan", 1],
        "after_logout": [None, "tea", 2],
    }
    assert seen["connections"] >= 2
