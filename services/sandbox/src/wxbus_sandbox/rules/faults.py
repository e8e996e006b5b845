"""Faults that were asked for: WeChat's errors, slowness and breakdowns, at will."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.errcodes import error_code
from wxbus_sandbox.models import Fault
from wxbus_sandbox.rules.answers import refuse


class Faults:
    """Faults by path; each befalls so many calls, the oldest fault first."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []
        self._waked = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Let a fault befall the next calls of its path."""
        self._left.append((fault, fault.times))

    def take(self, path: str) -> Fault | None:
        """Return the fault that befalls this call, if one does."""
        for index, (fault, left) in enumerate(self._left):
            if fault.path == path:
                self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None

    def left(self, path: str) -> int:
        """Return how many calls of this path will yet fail."""
        return sum(left for fault, left in self._left if fault.path == path)

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds, or when faults are reset."""
        try:
            async with asyncio.timeout(seconds):
                await self._waked.wait()
        except TimeoutError:
            return

    def reset(self) -> None:
        """Drop all faults, and let the calls that are being delayed go on."""
        self._left.clear()
        self._waked.set()
        self._waked = asyncio.Event()


FAULTS: Final = web.AppKey("faults", Faults)


@web.middleware
async def befall(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a call suffer the fault that stands for its path."""
    faults = request.app[FAULTS]
    fault = faults.take(request.path)
    if fault is None:
        return await handler(request)
    response = await handler(request) if fault.effect else None
    if fault.delay:
        await faults.pause(fault.delay)
    if fault.disconnect:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # nobody is there to read it
    if fault.status is not None:
        return web.Response(status=fault.status, text="")
    if fault.errcode is not None:
        errmsg = error_code(fault.errcode).meaning if fault.errmsg is None else fault.errmsg
        return refuse(fault.errcode, errmsg, content_type=fault.content_type)
    return response or await handler(request)
