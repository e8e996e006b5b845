"""For development: the worker starts again whenever its handlers change."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
import typer
import watchfiles

from wxbus.runtime.processes import Child
from wxbus.runtime.signals import stop_signal

PYTHON = watchfiles.PythonFilter()

log = structlog.stdlib.get_logger(__name__)


async def keep_reloading(work: Callable[[], None], folder: Path, *, recursive: bool, grace: float) -> None:
    """Run `work` in a process, and anew when a Python file in `folder` changes, until SIGTERM or SIGINT.

    What is wrong with the handlers is told; then the next change is waited for.
    With `recursive`, the folders below it count too. `grace` is in seconds, for each stop.
    """
    child = Child(work, number=0, grace=grace)
    stopping = stop_signal(at_once=child.kill)
    log.info("worker.watching", folder=str(folder))
    changes = watchfiles.awatch(
        folder, watch_filter=watchfiles.PythonFilter(), recursive=recursive, stop_event=stopping
    )
    child.start()
    telling = asyncio.create_task(_tell_end(child, stopping))
    try:
        async for changed in changes:
            log.info("worker.reloading", changed=sorted({Path(path).name for _, path in changed}))
            telling.cancel()
            await child.stop()
            child.start()
            telling = asyncio.create_task(_tell_end(child, stopping))
    finally:
        telling.cancel()
        await child.stop()


async def _tell_end(child: Child, stopping: asyncio.Event) -> None:
    await child.ended.wait()
    if not stopping.is_set():
        typer.echo(child.misconfigured() or f"the worker has ended with exit code {child.code}", err=True)
        log.warning("worker.waits_for_change")
