"""Injected faults: errors, delays and lost connections."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.errcodes import error_code
from wxbus_sandbox.models import Fault
from wxbus_sandbox.rules.bad_day import BAD_DAYS
from wxbus_sandbox.rules.calls import is_own
from wxbus_sandbox.rules.responses import error_response


class Faults:
    """Faults by path, applied in the order in which they were added."""

    def __init__(self) -> None:
        self._pending: list[tuple[Fault, int]] = []
        self._reset = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Apply a fault to the next calls of its path."""
        self._pending.append((fault, fault.times))

    def take(self, path: str) -> Fault | None:
        """Return the fault for this call, if there is one."""
        for index, (fault, remaining) in enumerate(self._pending):
            if fault.path == path:
                self._pending[index : index + 1] = [(fault, remaining - 1)] if remaining > 1 else []
                return fault
        return None

    def pending(self) -> list[tuple[Fault, int]]:
        """Return the pending faults, each with the number of calls that it still affects."""
        return list(self._pending)

    def remaining(self, path: str) -> int:
        """Return the number of calls of this path that will fail."""
        return sum(remaining for fault, remaining in self._pending if fault.path == path)

    async def pause(self, seconds: float) -> None:
        """Return after `seconds`, or when faults are reset."""
        try:
            async with asyncio.timeout(seconds):
                await self._reset.wait()
        except TimeoutError:
            return

    def reset(self) -> None:
        """Remove all faults and end all delays."""
        self._pending.clear()
        self._reset.set()
        self._reset = asyncio.Event()


FAULTS: Final = web.AppKey("faults", Faults)


@web.middleware
async def inject_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply the fault for the request's path, or the trouble of a bad day, if there is one."""
    if is_own(request.path):
        return await handler(request)
    faults = request.app[FAULTS]
    fault = faults.take(request.path) or await request.app[BAD_DAYS].fault(request)
    if fault is None:
        return await handler(request)
    response = await handler(request) if fault.effect else None
    if fault.delay:
        await faults.pause(fault.delay)
    if fault.disconnect:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # the connection is gone
    if fault.status is not None:
        return web.Response(status=fault.status, text="")
    if fault.errcode is not None:
        errmsg = error_code(fault.errcode).meaning if fault.errmsg is None else fault.errmsg
        return error_response(fault.errcode, errmsg, content_type=fault.content_type)
    return response or await handler(request)
