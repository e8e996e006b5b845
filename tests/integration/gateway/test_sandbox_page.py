"""The Mini Program on the page of the sandbox, in Chromium, against a real gateway and worker."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.integration.gateway.test_sockets import working
from tests.support.browser import Window, needs_browser, open_browser
from tests.support.gateway import gateways
from tests.support.readme import ROOT
from wxbus.bus.topology import Topology
from wxbus_gateway.services.loading import load_application
from wxbus_worker.handlers.loading import load_router

pytestmark = [pytest.mark.integration, needs_browser]

DEMO = str(ROOT / "deploy/demo_bot")
MARKUP = "<img src=x onerror=alert(1)>"


async def test_a_user_of_the_mini_program(
    tmp_path: Path, redis_url: str, amqp_url: str, topology: Topology, unused_tcp_port: int
) -> None:
    """The gateway says what is missing; the user logs in, shares the phone number, calls and chats; markup is text."""
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with (
        gateways(tmp_path, redis_url, amqp_url, topology, gateway_url=url) as world,
        working(world, load_router("handlers:router", app_dir=DEMO)),
        world.running(
            load_application("services:app", app_dir=DEMO),
            port=unused_tcp_port,
            cors_origins=(world.place.sandbox.url,),
        ),
        open_browser() as browser,
        Window.open(browser, width=1400, height=900) as window,
    ):
        page = window.page
        loaded = await page.goto(world.place.sandbox.url)
        assert loaded is not None
        assert (
            f"connect-src 'self' {url} ws://127.0.0.1:{unused_tcp_port};" in (loaded.headers["content-security-policy"])
        )
        await page.click("[data-tab=mini-program]")
        view = page.locator(".mini-program")
        exchanges, session = view.locator(".exchange"), view.locator(".session")
        await view.get_by_label("Method").select_option("orders/deliver")

        async def press(name: str) -> str:
            count = await exchanges.count()
            await view.get_by_role("button", name=name, exact=True).click()
            await exchanges.nth(count).wait_for()
            return await exchanges.nth(count).inner_text()

        assert "Next: log in." in await press("Call")
        assert "200" in await press("Log in")
        await expect(session).to_have_text("Logged in, profile known")
        assert "Next: share the phone number." in await press("Call")
        assert "200" in await press("Share the phone number")
        await expect(session).to_have_text("Logged in, profile known, phone number known")
        assert "tea is on its way; we call *8000" in await press("Call")

        await press("Replace the session key")
        assert "401 Bearer" in await press("Share the profile")
        await press("Log in")
        assert "200" in await press("Share the profile")

        await view.get_by_label("Body (JSON)").nth(1).fill(f'{{"text": "{MARKUP}"}}')
        # Acknowledgement and push come in any order.
        for number in (1, 2):
            await press("Send")
            await view.get_by_text(f"{MARKUP} ({number})").wait_for()
            await view.get_by_role("button", name="Disconnect").click()
            await view.get_by_text("closed 1000").nth(number - 1).wait_for()

        assert await page.locator(".mini-program img").count() == 0
        token = await page.evaluate('document.body.textContent.match(/"token": "([^"]*)"/)[1]')
        assert token == "***"
        assert await window.accessibility_problems() == []
        await window.screenshot("mini-program")
        for width in (1000, 400):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await window.widths() == (width, width)
        await window.screenshot("mini-program-phone")
        await page.emulate_media(color_scheme="dark")
        assert await window.accessibility_problems() == []
        assert window.errors == []
