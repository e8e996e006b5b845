"""A service of two processes for the tests of `wxbus.runtime.processes`.

Run it as `python -m tests.support.supervised KIND GRACE`.
"""

import asyncio
import os
import sys
import time
from functools import partial

from wxbus.errors import ConfigurationError
from wxbus.runtime.signals import stop_signal


def tell(what: str, number: int) -> None:
    """Print an event with its process."""
    os.write(1, f"{what} {number} {os.getpid()}\n".encode())  # one write: other processes write as well


def work(kind: str, number: int) -> None:
    """Run as process `number`."""
    if kind == "misconfigured":
        raise ConfigurationError("WXBUS_SOMETHING: missing")
    asyncio.run(wait(kind, number))


async def wait(kind: str, number: int) -> None:
    """Wait for a signal: `stuck` ignores it, `slow` exits late, `crashing` fails before."""
    stopping = stop_signal()
    tell("started", number)
    if kind == "crashing":
        sys.exit(3)
    if kind == "stuck":
        time.sleep(60)  # noqa: ASYNC251 - the fault under test
    await stopping.wait()
    tell("stopping", number)
    if kind == "slow":
        await asyncio.sleep(60)
    tell("stopped", number)


if __name__ == "__main__":
    # The children run this module under another name, and need none of these.
    from wxbus.config.settings import LogSettings
    from wxbus.runtime import logs
    from wxbus.runtime.processes import supervise

    _, given, grace = sys.argv
    logs.configure(LogSettings(), service="supervised")
    try:
        asyncio.run(supervise([partial(work, given, number) for number in range(2)], grace=float(grace)))
    except ConfigurationError as exc:
        sys.exit(str(exc))
