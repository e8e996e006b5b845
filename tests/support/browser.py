"""Debian's Chromium, driven by Playwright. Nothing is downloaded: without a Chromium these tests are skipped.

To share one browser, tests and fixtures run in the loop of their module: `pytest.mark.asyncio(loop_scope="module")`.
"""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.support.sizes import FULL

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
SCREENSHOTS: Final = Path(__file__).parents[2] / "build" / "screenshots"
PHONE: Final = 600
"""Pixels below which a window is a phone's."""
SERIOUS: Final = ("serious", "critical")
AXE: Final = """(async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html) }));
})()"""

expect.set_options(timeout=30_000)


def browser_path() -> str | None:
    """Return the path of a browser, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(browser_path() is None, reason="there is no Chromium")


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Yield a headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Window:
    """A window with cookies, storage and errors of its own."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Script errors and violations of the page's policy; a refused call is not an error of the page."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, browser: Browser, *, language: str = "en", width: int = 1280, height: int = 800, dark: bool = False
    ) -> AsyncIterator["Window"]:
        """Yield a window of this size in pixels, with this `Accept-Language`."""
        context = await browser.new_context(
            locale=language,
            viewport={"width": width, "height": height},
            is_mobile=width < PHONE,
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        try:
            window = cls(await context.new_page())
            window.page.on("pageerror", lambda error: window.errors.append(error.stack or str(error)))
            window.page.on("console", window._logged)
            yield window
        finally:
            await context.close()

    async def widths(self) -> tuple[int, int]:
        """Return the widths of the window and of its content in pixels."""
        inner, content = await self.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        return int(inner), int(content)

    async def screenshot(self, name: str) -> None:
        """Save a picture of the window in `build/screenshots`; only `make test-full`, as each takes a while."""
        if not FULL:
            return
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    async def accessibility_problems(self) -> list[str]:
        """Return the serious findings of axe-core (MPL-2.0, from axe-playwright-python), with the elements."""
        if not await self.page.evaluate("'axe' in globalThis"):
            source = files("axe_playwright_python").joinpath("axe.min.js").read_text()
            await self.page.evaluate(f"() => {{ {source} }}")
        found: list[dict[str, Any]] = await self.page.evaluate(AXE)
        return [json.dumps(problem) for problem in found if problem["impact"] in SERIOUS]

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)
