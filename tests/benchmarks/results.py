"""What a benchmark found, as a table for people and as `build/bench.json` for machines."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

MEASURED = ("aiohttp", "aio-pika", "redis", "pydantic", "uvloop", "cryptography")


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: the median of its rounds, with the lowest and the highest."""

    name: str
    value: float
    unit: str
    low: float
    high: float

    @classmethod
    def of(cls, name: str, unit: str, rounds: Sequence[float]) -> "Result":
        """Return the result of several rounds."""
        return cls(name, round(median(rounds), 3), unit, round(min(rounds), 3), round(max(rounds), 3))


def machine() -> dict[str, object]:
    """Return what the figures were measured on; nothing that names one machine."""
    return {
        "cpu": platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions that decide the figures."""
    return {"python": platform.python_version(), **{name: version(name) for name in MEASURED}}


def write(results: Iterable[Result], path: Path) -> None:
    """Write the results as JSON, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "versions": versions(), "results": [asdict(result) for result in results]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def show(results: Iterable[Result]) -> None:
    """Print the results as a table."""
    table = Table("benchmark", "median", "low", "high", "unit", box=None, header_style="bold")
    for column in table.columns[1:4]:
        column.justify = "right"
    for result in results:
        table.add_row(result.name, f"{result.value:,g}", f"{result.low:,g}", f"{result.high:,g}", result.unit)
    Console().print(table)
