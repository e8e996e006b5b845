"""Restarts a process when the user's code changes, for development.

`watchfiles.arun_process` does not fit: it kills a process 5 s after SIGINT, whatever handlers run, does not notice that
the process ended, and leaves it running when it is itself interrupted.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import structlog
import typer
import watchfiles
from watchfiles.main import FileChange

from wxbus.runtime.processes import Child
from wxbus.runtime.signals import stop_signal

log = structlog.stdlib.get_logger(__name__)


async def run_with_reload(work: Callable[[], None], folder: Path, *, recursive: bool, grace: float) -> None:
    """Run `work` in a child process, and restart it when a Python file in `folder` changes, until SIGTERM or SIGINT.

    If the process ends by itself, the reason is printed, and the next change restarts it.

    Args:
        work: The main function of the process; it can be pickled.
        folder: The folder of the code.
        recursive: Whether to watch the folders below it, too.
        grace: Seconds between SIGTERM and SIGKILL at each restart.
    """
    child = Child(work, number=0, grace=grace)
    stopping = stop_signal(at_once=child.kill)
    only_python = watchfiles.PythonFilter()
    changes = watchfiles.awatch(folder, watch_filter=only_python, recursive=recursive, stop_event=stopping)
    log.info("reload.watching", folder=str(folder))
    try:
        while True:
            change = asyncio.create_task(_next(changes))
            await asyncio.sleep(0)  # the folder is watched from here on: the process may read a file before it changes
            child.start()
            reporting = asyncio.create_task(_report_end(child, stopping))
            changed = await change
            reporting.cancel()
            if changed is None:
                return
            log.info("reload.changed", changed=sorted({Path(path).name for _, path in changed}))
            await child.stop()
    finally:
        await child.stop()


async def _next(changes: AsyncGenerator[set[FileChange], None]) -> set[FileChange] | None:
    return await anext(changes, None)


async def _report_end(child: Child, stopping: asyncio.Event) -> None:
    await child.ended.wait()
    if not stopping.is_set():
        typer.echo(child.misconfigured() or f"the process has ended with exit code {child.code}", err=True)
        log.warning("reload.waiting_for_change")
