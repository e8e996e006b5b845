"""Chats through two gateways and two workers, while all of them are killed and frozen."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import pytest

from tests.faults.conftest import Install
from tests.support.installation import MINI_PROGRAM
from tests.support.processes import Service
from tests.support.sizes import soak
from wxbus.bus.topology import Topology
from wxbus_sandbox.control.client import SandboxClient

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]

USERS = soak(200, 20)
FAULTS = soak(24, 3)
PAUSE = 0.6
"""Seconds between two messages of a user, at most."""
MANY_LOGINS: Final = {"WXBUS_GATEWAY_ADDRESS_RATE_LIMIT": "1000"}
"""All users log in at once, from one address."""
FROZEN = soak((4.0, 12.0), (4.0,))
"""Seconds for which processes are frozen: longer than a lease of a partition, and than that of a gateway."""


class Chatter:
    """A user who numbers messages, repeats what is not acknowledged, and notes all pushes."""

    def __init__(self, http: aiohttp.ClientSession, token: str, gateways: Sequence[str], enough: asyncio.Event) -> None:
        """`enough` ends the chat, once all that was sent has come back."""
        self._http = http
        self._token = token
        self._gateways = itertools.cycle(random.sample(gateways, len(gateways)))
        self._enough = enough
        self._position = ""
        self._acknowledged = 0
        self.sent = 0
        """Numbers that were sent at least once."""
        self.pushed: list[dict[str, int]] = []
        self.missed = False
        self.connections = 0

    async def chat(self) -> None:
        """Send messages in order until it is enough, and return when each has come back."""
        while not self._complete:
            try:
                await self._connection(next(self._gateways))
            except (aiohttp.ClientError, ConnectionError, TimeoutError, TypeError):  # TypeError: it was closed
                await asyncio.sleep(0.05)

    @property
    def _complete(self) -> bool:
        return self._enough.is_set() and 0 < self.sent == len(self.pushed)

    async def _connection(self, gateway: str) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        query = {"last": self._position} if self._position else {}
        url = f"{gateway}/{MINI_PROGRAM}/socket"
        async with self._http.ws_connect(url, headers=headers, params=query, heartbeat=2.0) as ws:
            self.connections += 1
            # The greeting says where the pushes begin: before it, a lost connection would lose the place.
            self._take(await ws.receive_json(timeout=10.0))
            sending = asyncio.create_task(self._send(ws))
            try:
                while not self._complete:
                    with contextlib.suppress(TimeoutError):  # it may be complete without a further frame
                        self._take(await ws.receive_json(timeout=1.0))
            finally:
                sending.cancel()
                await asyncio.wait([sending])

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        for number in itertools.count(self._acknowledged):
            if number >= self.sent and self._enough.is_set():
                return
            self.sent = max(self.sent, number + 1)
            await ws.send_json({"id": f"m{number}", "name": "say", "body": {"number": number}})
            await asyncio.sleep(random.uniform(0, PAUSE))

    def _take(self, frame: dict[str, Any]) -> None:
        if "ack" in frame:
            self._acknowledged = int(frame["ack"][1:]) + 1
        elif "hello" in frame:
            self._position = frame["hello"]["position"]
            self.missed = self.missed or frame["hello"]["missed"]
        elif "position" in frame:
            self._position = frame["position"]
            self.pushed.append(frame["body"])


async def log_in(http: aiohttp.ClientSession, gateway: str, sandbox: SandboxClient, openid: str) -> str:
    """Return the token of a new session; a gateway that is too busy says so, and is asked again with a new code."""
    while True:
        code = await sandbox.js_code(MINI_PROGRAM, openid=openid)
        async with http.post(f"{gateway}/{MINI_PROGRAM}/login", json={"code": code}) as response:
            if response.status != 503:
                return str((await response.json())["session"]["token"])
        await asyncio.sleep(0.1)


async def disturb(services: Sequence[Service]) -> None:
    """Disturb the services in turn; every third fault is a freeze, the others are kills."""
    frozen = itertools.cycle(FROZEN)
    for fault, service in zip(range(FAULTS), itertools.cycle(services), strict=False):
        if fault % 3 == 2:
            service.freeze()
            await asyncio.sleep(next(frozen))
            service.thaw()
        else:
            await service.kill()
            await service.start()


async def test_chats_survive_kills_and_freezes(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Every user gets every push once and in order; each message is handled once, and none that was sent is lost."""
    async with install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation:
        workers = await installation.workers("tests.support.chat:router", "one", "two")
        async with asyncio.TaskGroup() as group:
            starting = [group.create_task(installation.gateway(name, **MANY_LOGINS)) for name in ("left", "right")]
        gateways = [task.result() for task in starting]
        addresses = [f"http://127.0.0.1:{gateway.port}" for gateway in gateways]
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            SandboxClient.open(installation.sandbox_url) as sandbox,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            chatters, enough = [], asyncio.Event()
            for number in range(USERS):
                token = await log_in(http, addresses[0], sandbox, f"oChat{number}")
                chatters.append(Chatter(http, token, addresses, enough))
            async with asyncio.TaskGroup() as chats:
                for chatter in chatters:
                    chats.create_task(chatter.chat())
                await disturb([gateways[0], workers[0], gateways[1], workers[1]])
                enough.set()

    assert sum(chatter.connections for chatter in chatters) > USERS, "the faults have cut connections"
    for chatter in chatters:
        assert chatter.pushed == [{"number": number, "before": number} for number in range(chatter.sent)]
        assert not chatter.missed
