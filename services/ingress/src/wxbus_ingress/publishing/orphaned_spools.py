"""Spools of processes that no longer exist, because ingress was started with fewer; the first process drains them."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from wxbus.aio.background import retry_while_unavailable
from wxbus.bus.ports import PublisherPort
from wxbus.errors import ConfigurationError
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.publishing.drainer import Drainer
from wxbus_ingress.settings import SpoolLimits
from wxbus_ingress.spool.location import SUFFIX, list_spools, spool_path
from wxbus_ingress.spool.spool import Spool

RETRY_DELAY = 1.0
"""Seconds between two attempts while RabbitMQ is unavailable."""

log = structlog.stdlib.get_logger(__name__)


def find_orphaned(folder: Path, *, processes: int) -> list[Path]:
    """Return the spools in `folder` that belong to none of `processes` processes."""
    ours = {spool_path(folder, number) for number in range(processes)}
    return [path for path in list_spools(folder) if path.suffix == SUFFIX and path not in ours]


async def drain_orphaned(
    paths: Sequence[Path], publisher: PublisherPort, limits: SpoolLimits, metrics: SpoolMetrics
) -> None:
    """Return once all of `paths` are empty; skips a spool that another process uses."""
    for path in paths:
        try:
            async with Spool.open(path, limits) as spool:
                if spool.rows:
                    log.info("spool.orphan_found", spool=str(path), callbacks=spool.rows)
                    drainer = Drainer(spool, publisher, metrics)
                    await retry_while_unavailable(drainer.drain, name=f"draining {path.name}", pause=RETRY_DELAY)
        except ConfigurationError as exc:
            log.warning("spool.orphan_skipped", reason=str(exc))
