"""The visit of the demo: a Mini Program logs in, calls a service, shares the phone number and calls another one."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from wxbus_sandbox.control.client import SandboxClient

ACCOUNT: Final = "mini"
PHONE: Final = "13800138000"


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the page, and its answer."""

    title: str
    action: str
    answer: str
    ms: float
    failures: tuple[str, ...]


class _Page:
    """A page of the Mini Program, which keeps the token of its session."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._token: str | None = None

    async def request(self, title: str, path: str, body: Mapping[str, object], *, expected: str) -> Step:
        """Call the gateway and compare the answer."""
        began = time.perf_counter()
        try:
            answer = await self._post(path, body)
        except aiohttp.ClientError as exc:
            answer = f"{type(exc).__name__}: {exc}"
        failures = () if answer == expected else (f"expected: {expected}; got: {answer}",)
        return Step(title, f"POST /{ACCOUNT}/{path}", answer, (time.perf_counter() - began) * 1000, failures)

    async def _post(self, path: str, body: Mapping[str, object]) -> str:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        async with self._http.post(f"{self._url}/{ACCOUNT}/{path}", json=body, headers=headers) as response:
            found: dict[str, Any] = await response.json(content_type=None)
            challenge = response.headers.get("WWW-Authenticate", "").partition(" ")[0]
        if found.get("session"):
            self._token = found["session"]["token"]
        return _text_of(response.status, challenge, found)


async def play(sandbox: SandboxClient, gateway_url: str, *, openid: str) -> AsyncIterator[Step]:
    """Play the visit of one user and yield its steps."""
    async with aiohttp.ClientSession() as http:
        page, tea = _Page(http, gateway_url), {"item": "tea"}
        yield await page.request("The price: no login needed", "orders/price", tea, expected="12 yuan")
        login = "401 Bearer: A session is required"
        yield await page.request("An order without a login is refused", "orders/create", tea, expected=login)
        code = await sandbox.js_code(ACCOUNT, openid=openid)
        yield await page.request("The page logs in", "login", {"code": code}, expected="logged in")
        phone = "401 getPhoneNumber: The user's phone number is required"
        yield await page.request("A delivery needs the phone number", "orders/deliver", tea, expected=phone)
        shared = (await sandbox.user_data(ACCOUNT, openid=openid, phone=PHONE)).phone
        known = "logged in, phone number known"
        yield await page.request("The user shares it", "phone", {"code": shared["code"]}, expected=known)
        delivered = f"tea is on its way; we call *{PHONE[-4:]}"
        yield await page.request("The delivery", "orders/deliver", tea, expected=delivered)


def _text_of(status: int, challenge: str, found: Mapping[str, Any]) -> str:
    """Return an answer in one line."""
    if status != 200:
        return " ".join(filter(None, (str(status), challenge))) + f": {found.get('title')}"
    if text := found["result"].get("text"):
        return str(text)
    return "logged in" + (", phone number known" if found["session"]["phone"] else "")
