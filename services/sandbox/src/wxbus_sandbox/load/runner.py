"""Sends the messages of a load on schedule."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from wxbus.accounts.models import Account
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.load.ledger import Ledger
from wxbus_sandbox.load.report import LoadReport, LoadRequest
from wxbus_sandbox.models import SendRequest
from wxbus_sandbox.pushes.composer import Composer
from wxbus_sandbox.pushes.pusher import Pusher
from wxbus_sandbox.state import Sandbox

INTERVAL: Final = 0.5
"""Seconds between reports."""


class LoadRunner:
    """One run."""

    def __init__(
        self, sandbox: Sandbox, composer: Composer, pusher: Pusher, account: Account, request: LoadRequest
    ) -> None:
        self._sandbox = sandbox
        self._composer = composer
        self._pusher = pusher
        self._account = account
        self._request = request
        self._ledger = Ledger(f"load {secrets.token_hex(3)}", request.replies)
        self._random = random.Random(request.seed)
        self._changed = asyncio.Event()

    async def run(self, on_report: Callable[[LoadReport], Awaitable[None]]) -> None:
        """Send the load; call `on_report` twice a second and at the end. An error of `on_report` ends the run."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with self._replies(), asyncio.TaskGroup() as tasks:
            for step in (self._send, self._until_replied):
                running = tasks.create_task(step())
                while not running.done():
                    await asyncio.wait({running}, timeout=INTERVAL)
                    await on_report(self._ledger.report(loop.time() - begun))
        await on_report(self._ledger.report(loop.time() - begun, done=True))

    async def _send(self) -> None:
        """Push all messages; end when each is settled."""
        loop, rate = asyncio.get_running_loop(), self._request.rate
        begun = loop.time()
        prefix = f"oLoad{self._request.seed}"
        async with asyncio.TaskGroup() as pushes:
            for number in range(max(round(rate * self._request.seconds), 1)):
                if (delay := begun + number / rate - loop.time()) > 0:
                    await asyncio.sleep(delay)
                elif number % 32 == 0:
                    await asyncio.sleep(0)  # behind schedule: other tasks must still run
                user = f"{prefix}{self._random.randrange(self._request.users):010d}"
                text = self._ledger.pushed(user, loop.time())
                pushes.create_task(self._push(number, user, text))

    async def _push(self, number: int, user: str, text: str) -> None:
        account = self._account
        push = self._composer.compose(account, SendRequest(account=account.name, openid=user, fields={"Content": text}))
        users = self._sandbox.users
        users.record_action(account, user, push)
        users.lift_limit(account.appid, user)  # unlike people, they do not wait for replies
        mode, form = self._request.mode or account.modes[0], Format(account.formats[0])
        result = await self._pusher.push(account, push, mode, form, logged=False)
        self._ledger.settled(number, result, asyncio.get_running_loop().time())
        self._changed.set()

    async def _until_replied(self) -> None:
        """Return when each accepted message has its reply, or after `wait` seconds."""
        try:
            async with asyncio.timeout(self._request.wait):
                while self._ledger.missing:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def _replies(self) -> AsyncIterator[None]:
        """Record the messages that users receive."""
        sent, loop = self._sandbox.sent, asyncio.get_running_loop()
        seen = sent.added

        def record() -> None:
            nonlocal seen
            for number, message in sent.since(seen, at_most=sent.added):
                seen = number
                self._ledger.replied(message.openid, message.content, loop.time())
            self._changed.set()

        sent.listeners.add(record)
        try:
            yield
        finally:
            sent.listeners.discard(record)
