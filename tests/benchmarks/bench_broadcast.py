"""A broadcast of two worker processes: whether it keeps its rate, what a message costs, whether memory stays flat."""

import time

from tests.benchmarks.arms import our_stack
from tests.benchmarks.callbacks import APPID
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.stores import open_store
from wxbus.messages.broadcasts import NewBroadcast
from wxbus.wechat import reply
from wxbus_worker.store.broadcasts import Broadcasts

PROCESSES = 2
RATE = 300.0
"""Messages per second."""
WINDOW, WINDOWS = 1_500, 6
"""Messages of a window: five seconds; the first window is not measured."""
FULL_RATE, FULL_WINDOW = 800.0, 12_500
CHUNK = 1_000


async def measure(places: Places) -> list[Result]:
    """Return the rate's deviation, the CPU of a message, and the growth of the workers from first to last window."""
    rate, window = (FULL_RATE, FULL_WINDOW) if places.full else (RATE, WINDOW)
    rates, cpu, memory = [], [], []
    async with (
        our_stack(places, processes=PROCESSES) as arm,
        open_store(places.redis_url) as store,
        arm.running() as worker,
    ):
        await _start(Broadcasts(store, namespace=places.namespace), rate, (WINDOWS + 2) * window)
        await arm.answered(window)
        for number in range(2, WINDOWS + 2):
            began, cpu_before = time.perf_counter(), worker.cpu_seconds()
            await arm.answered(number * window)
            rates.append(window / (time.perf_counter() - began))
            cpu.append((worker.cpu_seconds() - cpu_before) / window * 1e6)
            memory.append(worker.memory_mib())
    return [
        Result.of("broadcast/rate-deviation", "%", [abs(found / rate - 1) * 100 for found in rates]),
        Result.of("broadcast/cpu-us", "us/message", cpu),
        Result.of("broadcast/memory-growth-mib", "MiB", [memory[-1] - memory[0]]),
    ]


async def _start(broadcasts: Broadcasts, rate: float, recipients: int) -> None:
    new = NewBroadcast(account="bench", message=reply.Text("sale"), rate=rate)
    await broadcasts.create(new, account="bench", appid=APPID)
    for start in range(0, recipients, CHUNK):
        await broadcasts.add(new.id, [f"o_bench{number:08}" for number in range(start, start + CHUNK)])
    await broadcasts.add(new.id, (), complete=True)
