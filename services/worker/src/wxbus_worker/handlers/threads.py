"""Handlers that are plain functions run in threads: one for each call, so that as many run as messages may at once."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _End:
    """How a call ended; not as a future's own exception, for none takes a StopIteration."""

    returned: object = None
    error: BaseException | None = None


async def in_thread(call: Callable[[], object]) -> object:
    """Return what `call` returns in a thread; its order holds although nothing can stop a thread.

    Cancelled, for a time limit or a lost partition, it waits for the thread all the same: until that has ended, the
    user's next message must not begin. Cancelled again, as it is when its worker ends, it waits no more; nor does the
    process, which a pool's threads would keep.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[_End] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            end = _End(context.run(call))
        except BaseException as exc:
            end = _End(error=exc)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set_result, end)

    threading.Thread(target=run, name="handler", daemon=True).start()
    try:
        end = await asyncio.shield(ended)
    except asyncio.CancelledError:
        await asyncio.wait({ended})
        raise
    try:
        if end.error is not None:
            raise end.error
        return end.returned
    finally:
        del end  # an error would hold itself, through its traceback and this frame
