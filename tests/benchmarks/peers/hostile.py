"""An attacker: the dearest unsigned bodies, as fast as they are answered, over so many connections.

Run it with a port and the number of connections.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.load import connected, request

SIZE = 930_000
"""Bytes of a body: just below the limit of one."""


def bodies() -> Sequence[bytes]:
    """Return one body of each kind that a parser has paid dearly for."""
    return (
        b"<xml " + b" ".join(b'a%d=""' % number for number in range(SIZE // 10)) + b"/>",
        b'{"Encrypt":"' + b"\\ud800" * (SIZE // 6) + b'"}',
        b"<xml>" + b"<a></a>" * (SIZE // 7) + b"</xml>",
        b"<xml><Encrypt>" + b"\xff" * SIZE + b"</Encrypt></xml>",
    )


async def attack(port: int, connections: int) -> None:
    """Send until killed."""
    query = f"timestamp={int(time.time())}&nonce=1&encrypt_type=aes&msg_signature={'0' * 40}&signature={'0' * 40}"
    requests = [request(f"/wechat/bench?{query}", body) for body in bodies()]

    async def client() -> None:
        while True:
            with contextlib.suppress(ConnectionError):
                async with connected(port) as connection:
                    for payload in itertools.cycle(requests):
                        await connection.exchange(payload)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())


if __name__ == "__main__":
    asyncio.run(attack(*map(int, sys.argv[1:3])))
