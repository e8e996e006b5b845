"""Each hop of a message, from real services through a collector to the page of the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page

from tests.support.browser import Window, needs_browser, open_browser
from tests.support.collector import Collector
from tests.support.installation import Installation
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Launcher
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.usefixtures("redis")]

SEND_PATH = "/cgi-bin/message/custom/send"
HOPS = [
    *("wechat.push", "ingress.callback", "ingress.open", "ingress.publish"),
    *("worker.wait", "worker.delivery", "worker.open_context", "worker.find_route", "worker.handler", "worker.commit"),
    *("worker.send_reply", "api.token", "rpc.call", "api.call", "worker.ack"),
]
TIMEOUT = 60_000
"""Milliseconds for what the page is to show."""
CONTEXTS = "wxbus.context."


@pytest.fixture
async def stack(
    launcher: Launcher, amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path
) -> AsyncIterator[tuple[Installation, Collector]]:
    """Yield all services, whose telemetry goes to a collector that passes it on to the sandbox."""
    async with (
        Collector.open() as collector,
        Installation.open(
            launcher.run, tmp_path, amqp_url=amqp_url, redis_url=redis_url, topology=topology
        ) as installation,
    ):
        collector.next_url = installation.sandbox_url
        telemetry: dict[str, Any] = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "WXBUS_LOG_LEVEL": "debug",
        }
        async with asyncio.TaskGroup() as starting:
            starting.create_task(installation.sandbox())
            starting.create_task(installation.token(**telemetry))
            starting.create_task(installation.ingress(**telemetry))
            starting.create_task(
                installation.worker("tests.support.traced_bot:router", WXBUS_WORKER_TRACE_CONTEXTS="true", **telemetry)
            )
        yield installation, collector


class Reader:
    """A person at the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def send(self, text: str) -> None:
        """Send a text in the chat, and pick it there."""
        await self.page.fill(".typed", text)
        await self.page.click(".send")
        mine = self.page.locator(".message.mine:not(.waiting)").filter(has_text=text)
        await mine.locator(".details").click(timeout=TIMEOUT)
        await self.page.click("[data-tab=trace]")

    async def sees(self, step: str, count: int = 1) -> None:
        """Return when the step is shown so often."""
        await self.page.locator(f"[data-step='{step}']").nth(count - 1).wait_for(timeout=TIMEOUT)

    async def row(self, step: str) -> str:
        """Return the text of the last row of a step."""
        return await self.page.locator(f"[data-step='{step}']").last.inner_text()

    def part(self, name: str) -> Locator:
        """Return the section of this name."""
        return self.page.locator(f"[data-part={name}]")

    async def says(self, part: str, text: str) -> None:
        """Return when the section contains the text, open or closed."""
        await self.part(part).filter(has_text=text).wait_for(timeout=TIMEOUT)


@needs_browser
async def test_every_hop_of_a_message_is_on_the_page(stack: tuple[Installation, Collector]) -> None:
    """Each step with handler, context, documents and log; a retry after a fault; a dead letter.

    A collector between the services and the sandbox gets the same.
    """
    installation, collector = stack
    async with (
        SandboxClient.open(installation.sandbox_url) as sandbox,
        open_browser() as browser,
        Window.open(browser, height=1000) as window,
    ):
        await window.page.goto(installation.sandbox_url)
        reader = Reader(window.page)

        await reader.send("hello there")
        for step in HOPS:
            await reader.sees(step)
        assert "tests.support.traced_bot.count (support/traced_bot.py:1" in await reader.row("worker.handler")
        assert SEND_PATH in await reader.row("api.call")
        added = await reader.part("context").locator("ins").all_inner_texts()
        assert any('"count": 1' in line for line in added)
        assert any('"api_token": "***"' in line for line in added)
        documents = await reader.part("documents").locator("pre").all_text_contents()
        assert any("<Content><![CDATA[hello there]]></Content>" in text for text in documents)
        assert any("<Encrypt>" in text and "hello there" not in text for text in documents)
        assert "success" in documents
        await reader.says("calls", "hello there (1)")
        await reader.says("log", "reply.sent")
        await reader.page.locator("[data-step='ingress.open'] button").press("Enter")
        assert "decrypted" in await reader.page.locator(".more:visible").inner_text()
        await pictures(window, "trace")

        await sandbox.fault(Fault(path=SEND_PATH, errcode=-1))
        await reader.send("unlucky")
        await reader.sees("worker.ack", 2)
        await reader.sees("worker.delivery", 2)  # a step arrives after those in it
        assert "1s · RetryLater" in await reader.row("worker.retry")
        assert "attempt 2" in await reader.row("worker.delivery")
        assert await reader.page.locator(".pause").count() >= 1
        await reader.says("log", "delivery.retry_scheduled")
        await window.screenshot("trace-retry")

        await reader.send("hopeless")
        for step in ("worker.dead_letter", "worker.delivery", "ingress.callback"):
            await reader.sees(step)
        assert "reject" in await reader.row("worker.dead_letter")
        assert "failed, dead letter" in await reader.row("worker.delivery")
        assert await reader.page.locator(".trace ins").count() == 0, "nothing was committed"
        assert window.errors == []

        trace_id = await reader.page.locator(".trace .sum code").inner_text()
        shown = await reader.page.evaluate(f"fetch('/sandbox/traces/{trace_id}').then((answer) => answer.json())")
        services = {(span["service"], span["span_id"]) for span in shown["spans"] if span["service"] != "sandbox"}
        assert services == collector.of(trace_id)
    assert {service for service, _ in collector.spans} == {"wxbus-ingress", "wxbus-worker", "wxbus-token"}
    check_secrecy(installation, collector)


async def pictures(window: Window, name: str) -> None:
    """Check what everybody needs of the view, and save pictures of it: two widths, light and dark."""
    assert await window.accessibility_problems() == []
    for width, height in ((1280, 1000), (390, 844)):
        await window.page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await window.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await window.screenshot(f"{name}-{width}-{scheme}")
        inner, content = await window.widths()
        assert content <= inner
    await window.page.emulate_media(color_scheme="light")
    await window.page.set_viewport_size({"width": 1280, "height": 1000})


def check_secrecy(installation: Installation, collector: Collector) -> None:
    """Without contexts, which are for the sandbox, a collector gets no secret and nothing that a user wrote."""
    for _, span in collector.spans:
        kept = [one for one in span.attributes if not one.key.startswith(CONTEXTS)]
        del span.attributes[:]
        span.attributes.extend(kept)
    sent = " ".join(str(found) for _, found in [*collector.spans, *collector.logs])
    secrets = installation.credentials
    for secret in (secrets.token, secrets.aes_key, secrets.secret, secrets.api_key, secrets.encryption_key):
        assert secret not in sent
    for text in ("hello there", "unlucky", "never shown"):
        assert text not in sent
