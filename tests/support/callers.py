"""Plays WeChat's servers: users who send numbered messages, and the answers to them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.support.installation import ACCOUNT, APPID, Credentials
from tests.support.pushes import a_push, a_text

LIMIT = 5.0
"""Seconds after which WeChat closes the connection (protocol reference 4.1)."""


@dataclass
class Calls:
    """Callbacks by their answer, each identified by user and number."""

    answers: Counter[str] = field(default_factory=Counter)
    acked: list[tuple[str, int]] = field(default_factory=list)
    """Answered "success"."""
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Answered 503."""
    others: list[str] = field(default_factory=list)
    """Another answer, or no answer in time: must not happen."""
    slowest: float = 0.0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_acked(self, more: int) -> None:
        """Return once `more` callbacks were answered "success"."""
        wanted = len(self.acked) + more
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.acked) >= wanted)

    async def note(self, user: str, number: int, outcome: str, seconds: float) -> None:
        """Record an answer."""
        self.answers[outcome if outcome in {"success", "503", "cut"} else "other"] += 1
        self.slowest = max(self.slowest, seconds)
        if outcome == "success":
            self.acked.append((user, number))
        elif outcome == "503":
            self.refused.append((user, number))
        elif outcome != "cut":
            self.others.append(f"{user} {number}: {outcome} after {seconds:.2f} s")
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def calling(
    port: int, credentials: Credentials, *, users: int, pause: float = 0.0, prefix: str = "o_user"
) -> AsyncIterator[Calls]:
    """Yield the calls of `users` users; the end of the block awaits the last answers.

    Each sends the next message `pause` seconds after an answer. `prefix` begins the openids.
    """
    calls, leaving = Calls(), asyncio.Event()
    timeout = aiohttp.ClientTimeout(total=LIMIT)
    async with (
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", timeout=timeout, connector=aiohttp.TCPConnector(limit=0)
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        for index in range(users):
            group.create_task(_write(session, credentials, f"{prefix}{index}", calls, leaving, pause))
        try:
            yield calls
        finally:
            leaving.set()


async def _write(
    session: aiohttp.ClientSession,
    credentials: Credentials,
    user: str,
    calls: Calls,
    leaving: asyncio.Event,
    pause: float,
) -> None:
    number = 0
    while not leaving.is_set():
        number += 1
        push = a_push(
            a_text(str(number), openid=user, msg_id=str(10**15 + number)),
            token=credentials.token,
            aes_key=credentials.aes_key,
            receive_id=APPID,
        )
        started = time.monotonic()
        try:
            async with session.post(f"/wechat/{ACCOUNT}", params=push.query, data=push.body) as answer:
                text = await answer.text()
            outcome = "success" if (answer.status, text) == (200, "success") else str(answer.status)
        except TimeoutError:
            outcome = "no answer"
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)  # the port is closed: no call was made
            continue
        except (aiohttp.ClientError, OSError):
            outcome = "cut"
        await calls.note(user, number, outcome, time.monotonic() - started)
        await asyncio.sleep(pause)
