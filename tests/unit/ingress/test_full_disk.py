"""The spool on a full disk: nothing is lost or published twice, and RabbitMQ alone accepts callbacks."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.support.brokers import FakeBroker
from tests.support.disks import DISKS, Disk
from tests.support.envelopes import an_envelope
from tests.support.metrics import until_metric, until_spool_drained
from wxbus.bus.envelope import Envelope
from wxbus.errors import SpoolUnavailable
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits, SpoolLimits
from wxbus_ingress.spool.reserve import Reserve
from wxbus_ingress.spool.spool import Spool

BUDGET = 30.0
SAYS_WHY = r"the spool could not be used: (database or disk is full|disk I/O error)"


@dataclass
class Rig:
    """A publisher with its broker and a spool on the disk."""

    broker: FakeBroker
    spool: Spool
    spooling: SpoolingPublisher
    registry: CollectorRegistry

    async def publish(self, *numbers: int) -> None:
        """Publish envelopes of one user one after another."""
        for number in numbers:
            await self.spooling.publish(an_envelope(number), budget=BUDGET)

    def rows_on_disk(self) -> int:
        """Return the number of rows in the file, including confirmed ones."""
        with closing(sqlite3.connect(self.spool.path)) as connection:
            [rows] = connection.execute("SELECT count(*) FROM spool").fetchone()
        return int(rows)

    async def until_deleted(self) -> None:
        """Return once the file has no rows."""
        while self.rows_on_disk():
            await self.spool.oldest(1)


Rigs: TypeAlias = Callable[[], AbstractAsyncContextManager[Rig]]


@pytest.fixture(params=DISKS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A disk that can be filled."""
    with DISKS[request.param](tmp_path) as disk:
        disk.folder.mkdir(mode=0o700)
        yield disk


@pytest.fixture
def rigged(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Rigs:
    """Opens rigs on one disk, without a disk floor; RabbitMQ is unavailable at first."""
    monkeypatch.setattr("wxbus_ingress.spool.writer.MAINTENANCE_INTERVAL", 0.01)

    @asynccontextmanager
    async def rigged() -> AsyncIterator[Rig]:
        broker, registry = FakeBroker(), CollectorRegistry()
        broker.away()
        async with (
            Spool.open(disk.folder / "spool-0.sqlite", SpoolLimits(disk_floor=0)) as spool,
            SpoolingPublisher.open(broker, spool, Limits(broker_budget=0.05), SpoolMetrics(registry)) as spooling,
        ):
            yield Rig(broker, spool, spooling, registry)

    return rigged


@pytest.fixture
async def rig(rigged: Rigs) -> AsyncIterator[Rig]:
    """An open rig."""
    async with rigged() as rig:
        yield rig


def numbers(envelopes: list[Envelope]) -> list[int]:
    """Return the bodies as numbers."""
    return [int(envelope.body) for envelope in envelopes]


async def test_confirmed_rows_are_not_published_again(rig: Rig, disk: Disk) -> None:
    """Confirmed rows are skipped even if they cannot be deleted; then callbacks are published directly."""
    await rig.publish(1, 2, 3)
    disk.fill()
    rig.broker.back()
    await until_spool_drained(rig.registry)
    await rig.publish(4)
    await rig.spooling.check()

    assert (rig.spool.rows, numbers(rig.broker.arrived)) == (0, [1, 2, 3, 4])
    disk.free()
    await rig.until_deleted()
    assert numbers(rig.broker.arrived) == [1, 2, 3, 4]


async def test_new_callbacks_wait_until_the_spool_is_drained(rig: Rig, disk: Disk) -> None:
    """While the spool accepts nothing, callbacks wait in memory, in the order of arrival."""
    await rig.publish(1, 2)
    disk.fill()
    rig.broker.back()
    rig.broker.freeze()
    await rig.broker.until_arrived(1)
    publishing = [asyncio.create_task(rig.publish(number)) for number in range(3, 9)]
    await until_metric(rig.registry, "wxbus_ingress_spool_overflow_callbacks", len(publishing))
    rig.broker.back()
    await asyncio.gather(*publishing)
    await until_spool_drained(rig.registry)

    assert numbers(rig.broker.first_copies()) == list(range(1, 9))
    assert rig.spool.rows == 0


async def test_without_rabbitmq_callbacks_are_refused_with_the_reason(rig: Rig, disk: Disk) -> None:
    """The error and the readiness name RabbitMQ and the disk."""
    await rig.publish(1)
    disk.fill()
    with pytest.raises(SpoolUnavailable, match=f"RabbitMQ: not connected; {SAYS_WHY}"):
        await rig.publish(2)
    with pytest.raises(SpoolUnavailable, match=SAYS_WHY):
        await rig.spooling.check()
    disk.free()
    await rig.spooling.check()
    await rig.publish(3)

    assert [int(spooled.envelope.body) for spooled in await rig.spool.oldest(9)] == [1, 3]


async def test_failed_writes_are_logged_once_and_without_a_traceback(rig: Rig, disk: Disk) -> None:
    """The log may be on the full disk: only the first failure and the next success are logged."""
    await rig.publish(0)
    disk.fill()
    with capture_logs() as logs:
        for number in range(20):
            with pytest.raises(SpoolUnavailable):
                await rig.publish(number)
        disk.free()
        await rig.publish(99)

    assert [line["event"] for line in logs if line["event"] != "spool.drain_failed"] == [
        "spool.write_failed",
        "spool.write_recovered",
    ]
    assert not any("exc_info" in line for line in logs)


async def test_an_unreadable_row_does_not_stop_draining(rig: Rig, disk: Disk) -> None:
    """It is skipped, counted and kept, although the full disk prevents moving it."""
    await rig.publish(1)
    await rig.spool.writer.run(lambda file: file.add(rig.spool.next_number(), "odd", b"{}"))
    await rig.publish(3)
    disk.fill()
    rig.broker.back()
    await until_spool_drained(rig.registry)

    assert (numbers(rig.broker.arrived), rig.spool.rows, rig.spool.unreadable) == ([1, 3], 0, 1)


async def test_a_start_on_a_full_disk_without_a_spool_uses_rabbitmq(
    rigged: Rigs, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """RabbitMQ is enough to accept callbacks; the spool works when there is space."""
    disk.fill()
    async with rigged() as rig:
        with pytest.raises(SpoolUnavailable, match="the spool could not be opened for writing"):
            await rig.publish(1)
        assert "could not be opened for writing" in str(await _refusal(rig.spooling))
        rig.broker.back()
        await rig.publish(2)
        await rig.spooling.check()
        assert numbers(rig.broker.arrived) == [2]

        disk.free()
        while await _refusal(rig.spool):  # noqa: ASYNC110 - it asks the writer thread
            await asyncio.sleep(0)
        rig.broker.away()
        await rig.publish(3)
        assert rig.rows_on_disk() == 1
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("reserve", [True, False], ids=["with a reserve", "without a reserve"])
async def test_a_start_on_a_full_disk_drains_the_spool(rigged: Rigs, disk: Disk, reserve: bool) -> None:
    """The rows of the last process are published first, once, then new callbacks."""
    async with rigged() as rig:
        await rig.publish(1, 2, 3)
    if not reserve:
        rig.spool.path.with_suffix(".reserve").unlink()
    disk.fill()
    async with rigged() as rig:
        assert rig.spool.rows == 3
        rig.broker.back()
        await until_spool_drained(rig.registry)
        await rig.publish(4)
        assert numbers(rig.broker.arrived) == [1, 2, 3, 4]

        disk.free()
        await rig.until_deleted()


async def test_the_reserve_is_allocated_released_and_allocated_again(tmp_path: Path) -> None:
    """The reserve survives a restart, is released once, and can be allocated again."""
    path = tmp_path / "spool-0.reserve"
    reserve = Reserve(path)
    assert (reserve.allocated, Reserve(path).allocated, path.stat().st_size) == (True, True, 16 * 2**20)
    assert (reserve.release(), reserve.release(), path.exists()) == (True, False, False)
    reserve.allocate()
    assert reserve.allocated


async def _refusal(checked: SpoolingPublisher | Spool) -> SpoolUnavailable | None:
    try:
        await checked.check()
    except SpoolUnavailable as exc:
        return exc
    return None
