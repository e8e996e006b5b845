"""Damaged callbacks are accepted or refused; none causes an internal error or stays in memory."""

import os
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.benchmarks.load import apply, request
from tests.faults.conftest import Install
from tests.support.installation import ACCOUNT, APPID, Credentials
from tests.support.pushes import Push, a_push, a_text
from tests.support.sizes import soak
from wxbus.bus.topology import Topology
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(440)]

MUTATIONS = soak(10_000, 1_500)
FIRST = MUTATIONS // 5
CONNECTIONS = 64
TEXT = "字]]>&<{\\" * 100
GROWTH = 10
"""MiB by which memory may grow after the first requests; at full size the other bodies have twice as much."""


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with a few bits flipped, or bytes removed, inserted or repeated."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.choice(("flip", "cut", "drop", "insert", "double")):
            case "flip" if data:
                at %= len(data)
                data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
            case "cut" if rng.random() < 0.3:
                data = data[:at]
            case "drop":
                data = data[:at] + data[at + rng.randrange(20) :]
            case "insert":
                data = (
                    data[:at]
                    + rng.choice((rng.randbytes(rng.randrange(12)), b"<!DOCTYPE x>", b"&a;", b"{", b"]]>"))
                    + data[at:]
                )
            case _:
                data = data[:at] + data[at // 2 :]
    return data


def mutations(credentials: Credentials, rng: random.Random) -> Iterator[bytes]:
    """Yield requests that are damaged in the body, the message, the ciphertext or the query."""
    keys: dict[str, Any] = {"token": credentials.token, "aes_key": credentials.aes_key, "receive_id": APPID}
    cipher = Cipher(credentials.aes_key, APPID)
    for number in range(MUTATIONS):
        form = rng.choice(tuple(Format))
        document = a_text(TEXT, openid=f"o_{number % 50}", msg_id=str(number))
        push = a_push(document, format=form, **keys)
        match number % 4:
            case 0:
                push = Push(push.query, damaged(push.body, rng))
            case 1:  # the signed message itself is damaged
                push = a_push(damaged(a_push(document, mode=Mode.PLAIN, format=form).body, rng), format=form, **keys)
            case 2:
                encrypted = damaged(cipher.encrypt(b"<xml></xml>").encode(), rng).decode("latin-1")
                signature = sign(credentials.token, push.query["timestamp"], push.query["nonce"], encrypted)
                body = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()
                push = Push(push.query, body).but(msg_signature=signature)
            case _:
                name = rng.choice(tuple(push.query))
                push = push.but(**{name: damaged(push.query[name].encode(), rng).decode("latin-1")})
        yield request(f"/wechat/{ACCOUNT}?{urlencode(push.query)}", push.body)


async def test_mutated_callbacks_are_accepted_or_refused(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """No response is 5xx, no traceback is logged, and memory does not grow; `TEST_SEED` changes the requests."""
    rng = random.Random(int(os.environ.get("TEST_SEED", "1")))
    async with install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation:
        ingress = await installation.ingress()
        requests = list(mutations(installation.credentials, rng))
        first = await apply(installation.ingress_port, requests[:FIRST], connections=CONNECTIONS)
        memory = ingress.memory_mib()
        rest = await apply(installation.ingress_port, requests[FIRST:], connections=CONNECTIONS)
        grown = ingress.memory_mib() - memory
        statuses = first.statuses + rest.statuses

        print(f"{dict(statuses)}, {memory:.0f} MiB resident and {grown:.1f} more")
        assert statuses.total() == MUTATIONS
        assert set(statuses) == {200, 400, 403}
        assert "Traceback" not in ingress.said()
        assert grown < GROWTH
