"""The visit of the demo: a Mini Program logs in, shares the phone number, calls services and chats by a socket."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp

from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.visitor import Answer, NoGateway, Visitor

ACCOUNT: Final = "mini"
PHONE: Final = "13800138000"
PUSH_TIMEOUT: Final = 10.0

Planned: TypeAlias = tuple[str, str, Callable[[], Awaitable[str]], str]
"""Title, action, function that runs it, and expected answer of a step."""


@dataclass(frozen=True, slots=True)
class Step:
    """An action of the page, and the answer."""

    title: str
    action: str
    answer: str
    ms: float
    failures: tuple[str, ...]


async def play(sandbox: SandboxClient, gateway_url: str, *, openid: str) -> AsyncIterator[Step]:
    """Play the visit of one user and yield its steps; a failed step is the last."""
    async with aiohttp.ClientSession() as http:
        visitor = Visitor(http, sandbox, gateway_url, ACCOUNT, openid)
        for title, action, run, expected in [*_calls(visitor), *_chat(visitor)]:
            began = time.perf_counter()
            try:
                answer = await run()
            except NoGateway as exc:
                answer = str(exc)
            except TimeoutError:
                answer = f"no answer within {PUSH_TIMEOUT:.0f} s"
            ms = (time.perf_counter() - began) * 1000
            failures = () if answer == expected else (f"expected: {expected}; got: {answer}",)
            yield Step(title, action, answer, ms, failures)
            if failures:
                return


def _calls(visitor: Visitor) -> list[Planned]:
    def service(method: str) -> Callable[[], Awaitable[str]]:
        return lambda: _text(visitor.call(f"orders/{method}", {"item": "tea"}))

    def state(call: Callable[[], Awaitable[Answer]]) -> Callable[[], Awaitable[str]]:
        return lambda: _state(visitor, call())

    login = "401 Bearer: A session is required"
    phone = "401 getPhoneNumber: The user's phone number is required"
    return [
        ("The Mini Program asks for a price: no login needed", "orders/price tea", service("price"), "12 yuan"),
        ("An order without a login is refused", "orders/create tea", service("create"), login),
        ("The page logs in", "wx.login", state(visitor.log_in), "logged in"),
        ("A delivery needs the phone number", "orders/deliver tea", service("deliver"), phone),
        (
            "The user shares it",
            "button getPhoneNumber",
            state(lambda: visitor.share_phone(PHONE)),
            "logged in, phone number known",
        ),
        (
            "Now the delivery is accepted",
            "orders/deliver tea",
            service("deliver"),
            f"tea is on its way; we call *{PHONE[-4:]}",
        ),
    ]


def _chat(visitor: Visitor) -> list[Planned]:
    async def say() -> str:
        async with visitor.socket() as socket, asyncio.timeout(PUSH_TIMEOUT):
            await socket.send(secrets.token_hex(8), "chat.say", {"text": "hello"})
            return str((await socket.push())[1]["text"])

    async def come_back() -> str:
        async with visitor.socket() as socket, asyncio.timeout(PUSH_TIMEOUT):
            await socket.send(secrets.token_hex(8), "chat.say", {"text": "still there?"})
        async with visitor.socket() as socket, asyncio.timeout(PUSH_TIMEOUT):
            return str((await socket.push())[1]["text"])

    return [
        ("The page chats by a socket", "hello", say, "hello (1)"),
        (
            "The page closes before the answer arrives; after it reconnects, it gets the answer",
            "still there?",
            come_back,
            "still there? (2)",
        ),
    ]


async def _text(call: Awaitable[Answer]) -> str:
    return (await call).text


async def _state(visitor: Visitor, call: Awaitable[Answer]) -> str:
    """Return the state of the session in words, or why the call was refused."""
    answer = await call
    if answer.status != 200:
        return answer.text
    return "logged in, phone number known" if visitor.session["phone"] else "logged in"
