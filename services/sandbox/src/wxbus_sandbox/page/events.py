"""Callbacks, replies and calls as they come, as server-sent events (HTML standard 9.2)."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from wxbus_sandbox.rules.calls import Call
from wxbus_sandbox.rules.history import History
from wxbus_sandbox.state import SANDBOX, Sandbox

KEPT: Final = 500
"""Entries of each kind that a page receives at a time; older ones are left out."""
HEARTBEAT: Final = 15.0
"""Seconds; a comment after it shows whether the reader is still there."""


async def events(request: web.Request) -> web.StreamResponse:
    """Answer with a stream of `push`, `retry`, `sent`, `call` and `reset`; `Last-Event-ID` continues one.

    `last` is the number of past entries of each kind with which it begins.
    """
    sandbox, last = request.app[SANDBOX], request.query.get("last", "")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    past = min(int(last), KEPT) if last.isdecimal() else KEPT
    reader, changed = Reader(sandbox, request.headers.get("Last-Event-ID", ""), past=past), asyncio.Event()
    histories = (sandbox.sent, sandbox.calls, sandbox.retried, sandbox.pushes)
    try:
        for history in histories:
            history.listeners.add(changed.set)
        while not sandbox.pushes.closed:
            changed.clear()
            text = "".join(reader.new()) or ": still here\n\n"
            await response.write(text.encode())
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await changed.wait()
            except TimeoutError:
                continue
    except ConnectionResetError:
        pass  # the page was closed
    finally:
        for history in histories:
            history.listeners.discard(changed.set)
    return response


class Reader:
    """The position of one page in the histories."""

    def __init__(self, sandbox: Sandbox, last_id: str, *, past: int = KEPT) -> None:
        """Begin after the event with the id `last_id`; "": with `past` entries of each kind."""
        self._sandbox = sandbox
        self._at_most = past
        self._epoch = sandbox.pushes.epoch
        epoch, *numbers = last_id.split("-")
        known = epoch == self._epoch and len(numbers) == 4 and all(number.isdecimal() for number in numbers)
        self._seen = [int(number) for number in numbers] if known else [0, 0, 0, 0]
        self._reset = not known

    def new(self) -> Iterator[str]:
        """Yield the events since the last call; the first event of another run, or after a reset, is `reset`."""
        sandbox = self._sandbox
        if sandbox.pushes.epoch != self._epoch:
            self._epoch, self._seen, self._reset = sandbox.pushes.epoch, [0, 0, 0, 0], True
        if self._reset:
            self._reset = False
            yield self._event("reset", "{}")
        # Pushes last: a push is recorded after its attempts, and after the messages and calls that it caused.
        kinds: tuple[tuple[str, History[Any]], ...] = (
            ("sent", sandbox.sent),
            ("call", sandbox.calls),
            ("retry", sandbox.retried),
            ("push", sandbox.pushes),
        )
        for index, (name, history) in enumerate(kinds):
            for number, entry in history.since(self._seen[index], at_most=self._at_most):
                content = entry.shown() if isinstance(entry, Call) else entry.model_dump(mode="json")
                self._seen[index] = number
                yield self._event(name, json.dumps({"number": number, **content}))
            self._seen[index] = history.added
        self._at_most = KEPT

    def _event(self, name: str, data: str) -> str:
        position = "-".join([self._epoch, *map(str, self._seen)])
        return f"event: {name}\nid: {position}\ndata: {data}\n\n"


def routes() -> list[web.RouteDef]:
    """Return the route of the stream."""
    return [web.get("/sandbox/events", events)]
