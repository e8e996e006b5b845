"""Spools that no process has any more, because there are fewer processes than before: drained beside our own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.bus.ports import PublisherPort
from wxbus.errors import ConfigurationError, Unavailable
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.publishing.drainer import Drainer
from wxbus_ingress.settings import SpoolLimits
from wxbus_ingress.spool.open import SUFFIX, file_of, files_in
from wxbus_ingress.spool.spool import Spool

log = structlog.stdlib.get_logger(__name__)


def find_orphaned(folder: Path, *, processes: int) -> list[Path]:
    """Return the spools in `folder` that belong to none of so many processes."""
    ours = {file_of(folder, number) for number in range(processes)}
    return [path for path in files_in(folder) if path.suffix == SUFFIX and path not in ours]


async def drain_leftovers(
    paths: Sequence[Path], broker: PublisherPort, limits: SpoolLimits, metrics: SpoolMetrics
) -> None:
    """Return once all of them are empty; one that another process has is left to it."""
    for path in paths:
        try:
            async with Spool.open(path, limits) as spool:
                if spool.rows:
                    log.info("spool.left_over", spool=str(path), callbacks=spool.rows)
                    await _drain(Drainer(spool, broker, metrics))
        except ConfigurationError as exc:
            log.warning("spool.left_over_not_drained", reason=str(exc))


async def _drain(drainer: Drainer) -> None:
    backoff = Backoff(first=0.1, longest=5.0)
    while True:
        try:
            if not await drainer.step():
                return
            backoff.reset()
        except Unavailable as exc:
            log.warning("spool.waiting", reason=str(exc))
            await asyncio.sleep(backoff.delay())
