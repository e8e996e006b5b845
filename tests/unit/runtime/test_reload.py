"""Restarts of a process when its code changes."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from wxbus.runtime import reload


async def test_a_change_while_the_process_starts_restarts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may have read the file before it changed."""
    code = tmp_path / "handlers.py"
    code.write_text("first")
    starts = 0

    class Starting:
        """A process whose code changes while it starts for the first time."""

        code = None

        def __init__(self, *_: object, **__: object) -> None:
            self.ended = asyncio.Event()

        def start(self) -> None:
            """Change the code, or end the test."""
            nonlocal starts
            starts += 1
            if starts == 1:
                code.write_text("second")
            else:
                os.kill(os.getpid(), signal.SIGTERM)

        def kill(self) -> None:
            """Do nothing."""

        async def stop(self) -> None:
            """Do nothing."""

    monkeypatch.setattr(reload, "Child", Starting)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        async with asyncio.timeout(30):
            await reload.run_with_reload(lambda: None, tmp_path, recursive=False, grace=1.0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert starts == 2
