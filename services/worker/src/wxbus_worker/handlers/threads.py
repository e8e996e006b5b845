"""Runs handlers that are plain functions, each call in its own thread."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Result:
    """How a call ended. A future cannot hold a StopIteration as its exception."""

    returned: object = None
    error: BaseException | None = None


async def in_thread(call: Callable[[], object]) -> object:
    """Return the result of `call`, which runs in a thread.

    A thread cannot be stopped. If this is cancelled for a time limit or a lost partition, it waits until the thread
    ends: the user's next message must not start before. If it is cancelled again, when the worker stops, it returns at
    once; a daemon thread does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[_Result] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = _Result(context.run(call))
        except BaseException as exc:
            result = _Result(error=exc)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(ended.set_result, result)

    threading.Thread(target=run, name="handler", daemon=True).start()
    try:
        result = await asyncio.shield(ended)
    except asyncio.CancelledError:
        await asyncio.wait({ended})
        raise
    try:
        if result.error is not None:
            raise result.error
        return result.returned
    finally:
        del result  # breaks the cycle of the error, its traceback and this frame
