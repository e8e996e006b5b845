"""A headless Chromium, driven by the DevTools protocol."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


def browser() -> str | None:
    """Return the path of a browser, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Created by `opened`."""
        self._socket = socket
        self._ids = itertools.count(1)
        self._session = ""
        self.validation_messages: list[str] = []
        """Errors that the browser reported: script errors and violations of the page's policy."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, profile: Path) -> AsyncIterator["Page"]:
        """Load `url` and yield the page."""
        program = browser()
        assert program is not None
        process = await asyncio.create_subprocess_exec(
            *(program, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            line = b""
            while b"DevTools listening on " not in line:
                line = await process.stderr.readline()
                assert line, "the browser ended"
            address = line.decode().rpartition(" ")[2].strip()
            async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
                page = cls(socket)
                target = (await page._ask("Target.createTarget", url="about:blank"))["targetId"]
                page._session = (await page._ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
                for domain in ("Page", "Runtime", "Log"):
                    await page._ask(f"{domain}.enable")
                await page._ask("Page.navigate", url=url)
                yield page
        finally:
            process.kill()
            await process.communicate()

    async def resize(self, width: int, height: int) -> None:
        """Set the viewport of a phone."""
        await self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True
        )

    async def visit(self, url: str, *, language: str) -> None:
        """Load another page with this `Accept-Language`."""
        await self._ask("Emulation.setUserAgentOverride", userAgent="test", acceptLanguage=language)
        await self._ask("Page.navigate", url=url)
        while not await self.run(f"location.href == {json.dumps(url)} && document.readyState == 'complete'"):
            pass

    async def run(self, script: str) -> Any:
        """Return the value of a script; a promise is awaited."""
        answer = await self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        while True:
            message: dict[str, Any] = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if message.get("method") == "Runtime.exceptionThrown":
                self.validation_messages.append(str(message["params"]))
            entry = message["params"]["entry"] if message.get("method") == "Log.entryAdded" else {}
            if (
                entry.get("level") == "error" and entry["source"] != "network"
            ):  # a refused call is not an error of the page
                self.validation_messages.append(entry["text"])
