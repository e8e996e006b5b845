"""`Idempotency-Key`: a repeated call gets the first answer for a day, and has no second effect.

A client that does not see an answer sends the call again with the same key. Keys belong to a user and a method. An
answer is kept sealed, because it may hold personal data. The answer of a failed call is not kept: the call may be
repeated.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from wxbus.aio.background import background, repeat, retry_while_unavailable
from wxbus.errors import RpcFailure, StoreUnavailable
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.service.call import Answer, Call, method_of
from wxbus.rpc.service.stages import Next
from wxbus.store.keyring import Keyring
from wxbus.store.store import Store
from wxbus_gateway.sessions.session import Session

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[!-~]{1,128}")
KEPT: Final = 86_400
"""Seconds that an answer is kept."""
KEEP_RETRY: Final = 0.5
"""Seconds until an answer that could not be kept is kept again."""
RUNNING: Final = 60
"""Seconds after which a call without an answer counts as lost."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of a call, as sent."""

    value: str


class Idempotency:
    """The stage: answers repeated calls from Redis."""

    def __init__(self, store: Store, keyring: Keyring, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._prefix = f"{namespace}:gateway:idempotency"
        self._running: set[asyncio.Task[Answer]] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, store: Store, keyring: Keyring, *, namespace: str, grace: float
    ) -> AsyncIterator["Idempotency"]:
        """Yield the stage; at the end calls whose clients have disconnected have `grace` seconds to end."""
        stage = cls(store, keyring, namespace=namespace)
        try:
            yield stage
        finally:
            if stage._running:
                await asyncio.wait(stage._running, timeout=grace)
                for task in stage._running:
                    task.cancel()
                await asyncio.gather(*stage._running, return_exceptions=True)

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """Answer a call with a key once.

        Raises:
            RpcFailure: 400 for a malformed key, 409 while the first call runs, 422 if the key was used for another
                request.
        """
        key, session = call.features.get(IdempotencyKey), call.features.get(Session)
        if key is None or session is None:
            return await call_next(call)
        if not KEY.fullmatch(key.value):
            raise RpcFailure(400, f"Malformed {HEADER}", detail="it has 1 to 128 printable ASCII characters")
        name, request = self._name(call, session, key), _digest_of(call)
        claim = f"{request}:"
        before = await self._store.command("SET", name, claim, "NX", "GET", "EX", RUNNING)
        if before is not None:
            return self._repeated(name, before, request)
        # A client that disconnects does not stop the call: when the client repeats it, the method must not run again.
        task = asyncio.create_task(self._first(call, call_next, name, claim))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _first(self, call: Call, call_next: Next, name: str, claim: str) -> Answer:
        """Call the method and keep its answer; the claim lasts as long as the method runs."""

        async def extend() -> None:
            await asyncio.sleep(RUNNING / 3)
            await self._store.command("EXPIRE", name, RUNNING)

        try:
            async with background(repeat(extend, name="claim of a call", pause=lambda: 0.0)):
                answer = await call_next(call)
        except BaseException:
            with suppress(StoreUnavailable):  # then the claim expires
                await self._store.command("DEL", name)
            raise
        kept = json.dumps([answer.status, answer.content_type, answer.body.decode("latin-1")])
        sealed = self._keyring.encrypt(kept, context=name)

        async def keep() -> None:
            await self._store.command("SET", name, claim.encode() + sealed, "EX", KEPT)

        await retry_while_unavailable(keep, name="answer of a call", pause=KEEP_RETRY)
        return answer

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has it, unless the client has disconnected

    def _repeated(self, name: str, stored: bytes, request: str) -> Answer:
        digest, _, sealed = stored.partition(b":")
        if digest.decode() != request:
            raise RpcFailure(422, f"Reused {HEADER}", detail="the key was used for another request")
        if not sealed:
            raise RpcFailure(409, "The first call is still running", retry_after=1.0)
        status, content_type, body = json.loads(self._keyring.decrypt(sealed, context=name))
        return Answer(status, content_type, body.encode("latin-1"))

    def _name(self, call: Call, session: Session, key: IdempotencyKey) -> str:
        method = method_of(call)
        owner = f"{session.appid}:{session.user_id}:{method.service}.{method.name}:{key.value}"
        return f"{self._prefix}:{hashlib.sha256(owner.encode()).hexdigest()}"


def _digest_of(call: Call) -> str:
    """Return the digest of a request and of the format of its answer."""
    serializer: Serializer | None = call.answer_format
    if call.request is None or serializer is None:
        raise RuntimeError("the check Decode must come before this stage")
    content = f"{serializer.content_types[0]}\n{call.request.model_dump_json()}"
    return hashlib.sha256(content.encode()).hexdigest()
