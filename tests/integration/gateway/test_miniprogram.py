"""The client for Mini Programs, in Node, against a real gateway; only `wx.*` is a stand-in."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.gateway.test_sockets import a_router, working
from tests.support.gateway import Gateways
from tests.support.programs import program
from tests.support.readme import ROOT, blocks
from wxbus_gateway.services.application import Application
from wxbus_gateway.services.loading import load_application
from wxbus_local.servers.ports import free_port
from wxbus_worker.handlers.loading import load_router

pytestmark = [pytest.mark.integration, pytest.mark.programs("node")]

CLIENT = str(ROOT / "clients/miniprogram/wxbus.js")
STAND_IN = str(ROOT / "tests/support/miniprogram.js")
PAGES = str(ROOT / "tests/support/miniprogram_pages.js")


@pytest.fixture
def application() -> Application:
    """Return the sample services."""
    return load_application("services:app", app_dir=str(ROOT / "deploy/demo_bot"))


@asynccontextmanager
async def script(name: str, *arguments: str) -> AsyncIterator[Process]:
    """Run a script of this folder in Node; it must succeed."""
    file = ROOT / "tests/integration/gateway" / name
    command = (program("node"), str(file), *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def outcome(process: Process) -> dict[str, object]:
    """Return what the script prints at its end."""
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, object] = json.loads(output)
    return found


async def test_a_visit_with_the_client(world: Gateways, application: Application) -> None:
    """One login for calls at once, challenges met by the page, and a socket that loses nothing in a cut network."""
    async with (
        working(world, a_router()),
        world.running(application) as visitor,
        script("miniprogram_visit.js", CLIENT, STAND_IN, visitor().url, world.place.sandbox.url) as visit,
    ):
        seen = await outcome(visit)
    assert seen == {
        "logins": 1,
        "created": ["1", "2", "3", "4", "5"],
        "delivered": "tea is on its way; we call *8000",
        "asked": ["phone"],
        "phone": True,
        "error": [True, 422, ["item"]],
        "pushes": [1, 2, 3, 4, 5, 6],
        "connections": seen["connections"],
        "refused": ["the message is refused", True],
        "logout": ["the socket is closed"] * 2,
        "resumed": ["12 yuan", 1],
        "after_logout": [None, "tea", 2],
    }
    assert isinstance(seen["connections"], int)
    assert seen["connections"] >= 2


async def test_what_goes_wrong_on_phones(world: Gateways, application: Application) -> None:
    """Failures of `wx.*` are errors of the client that end with their cause; session and socket go on after them."""
    async with (
        working(world, a_router()),
        world.running(application, session_renew_after=0.0) as visitor,
        script("miniprogram_trouble.js", CLIENT, STAND_IN, visitor().url, world.place.sandbox.url) as visit,
    ):
        seen = await outcome(visit)
    assert seen == {
        "storage": [1, False],
        "noLogin": ["WxbusError", 0, "login:fail timeout"],
        "noAnswer": ["WxbusError", 0, "request:fail timeout"],
        "refused": ["WxbusError", 0, "request:fail url not in domain list"],
        "hotel": ["WxbusError", 0, "the answer is not the gateway's"],
        "afterwards": ["done", 1],
        "asked": 1,
        "denied": ["WxbusError", 0, "getPhoneNumber:fail user deny"],
        "challenge": "phone",
        "stale": ["WxbusError", 401, "The login was too old: ask the user again"],
        "again": "done",
        "loggedOut": [401, None, 3],
        "late": [True, False],
        "sent": [1, ["a mistake of the page"]],
        "clock": 1,
        "woken": "done",
        "closed": [0, ["WxbusError", 0, "the socket is closed"]],
    }


async def test_a_deployment_of_the_gateway_is_not_noticed(world: Gateways, application: Application) -> None:
    """Messages, pushes and calls go on by another gateway with the same session, while its token is renewed."""
    port = free_port()
    async with working(world, a_router()), AsyncExitStack() as gateway:
        running = world.running(application, port=port, drain=0.1, session_renew_after=0.0)
        visitor = await gateway.enter_async_context(running)
        url = visitor().url
        async with script("miniprogram_deploy.js", CLIENT, STAND_IN, url, world.place.sandbox.url) as visit:
            assert visit.stdout is not None
            assert await visit.stdout.readline() == b"halfway\n"
            await gateway.aclose()
            async with world.running(application, port=port, session_renew_after=0.0):
                seen = await outcome(visit)
    assert seen == {"inOrder": True, "missed": 0, "orders": 33, "logins": 1, "renewed": True, "again": True}


async def test_a_user_of_the_sample(world: Gateways, application: Application, tmp_path: Path) -> None:
    """The pages that `make miniprogram` makes do what they show: with WeChat's functions, and with the sandbox's."""
    folder, sandbox = tmp_path / "sample", world.place.sandbox.url
    made = await asyncio.create_subprocess_exec("make", "-s", "miniprogram", f"MINIPROGRAM={folder}", cwd=ROOT)
    assert await made.wait() == 0
    handlers = load_router("handlers:router", app_dir=str(ROOT / "deploy/demo_bot"))
    async with working(world, handlers), world.running(application) as visitor:
        for played, logins in (("", 1), (sandbox, 0)):
            config = {"gateway": visitor().url, "account": "cafe", "sandbox": played}
            (folder / "config.js").write_text(f"module.exports = {json.dumps(config)};")
            async with script(
                "sample_visit.js", str(folder), STAND_IN, PAGES, sandbox, "oSample000000000000000000001"
            ) as visit:
                seen = await outcome(visit)
            assert seen == {
                "prices": [["12 yuan", "18 yuan"], 0],
                "order": "1 tea for customer N",
                "lost": "1 coffee for customer N",
                "cancelled": ["没有手机号，无法送货", False],
                "delivered": ["tea is on its way; we call *8000", False],
                "first": [["hello", "hello (1)", "are you there?", "are you there? (2)", "bye"], ""],
                "second": ["bye (3)"],
                "logins": logins,
            }


async def test_the_pages_of_the_guides(world: Gateways, application: Application, tmp_path: Path) -> None:
    """The samples of the guides to the client and to sockets are pages that work; both languages have the same."""
    guides = [ROOT / f"docs/how-to/{name}" for name in ("mini-programs.md", "sockets.md")]
    app, *pages = (block for guide in guides for block in blocks(guide, "js"))
    assert [app, *pages] == [block for guide in guides for block in blocks(guide.with_suffix(".zh-CN.md"), "js")]
    await asyncio.to_thread(shutil.copytree, ROOT / "clients/miniprogram", tmp_path / "wxbus")
    for name, page in zip(("order", "delivery", "cart"), pages, strict=True):
        (tmp_path / f"{name}.js").write_text(page)
    async with working(world, a_router()), world.running(application) as visitor:
        (tmp_path / "app.js").write_text(
            app.replace("https://api.example.com", visitor().url).replace('"mini"', '"cafe"')
        )
        arguments = (str(tmp_path), STAND_IN, PAGES, world.place.sandbox.url, "oGuides000000000000000000001")
        async with script("docs_visit.js", *arguments) as visit:
            seen = await outcome(visit)
    assert seen == {
        "order": "1 tea for customer N",
        "asking": True,
        "delivery": ["tea is on its way; we call *8000", False],
        "cart": ["tea"],
    }
