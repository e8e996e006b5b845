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

from tests.benchmarks.targets import TARGETS

MEASURED = (
    "aiohttp",
    "aiormq",
    "celery",
    "cryptography",
    "hiredis",
    "pydantic",
    "redis",
    "requests",
    "uvloop",
    "wechatpy",
)
WIDTH = 110
"""Columns of the table at least: output that goes to a file has 80, and cuts names."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: the median of its rounds, with the lowest and the highest."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    target: str | None = None
    """What it ought to be."""
    met: bool | None = None

    @classmethod
    def of(cls, name: str, unit: str, rounds: Sequence[float]) -> "Result":
        """Return the result of several rounds, beside its target if it has one."""
        value, target = round(median(rounds), 3), TARGETS.get(name)
        return cls(
            name,
            value,
            unit,
            low=round(min(rounds), 3),
            high=round(max(rounds), 3),
            target=None if target is None else str(target),
            met=None if target is None else target.met_by(value),
        )


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
    console = Console(width=max(Console().width, WIDTH))
    table = Table("benchmark", "median", "low", "high", "unit", "target", "", box=None, header_style="bold")
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:4]:
        column.justify = "right"
    for result in results:
        verdict = {None: "", True: "met", False: "not met"}[result.met]
        figures = map(_shown, (result.value, result.low, result.high))
        table.add_row(result.name, *figures, result.unit, result.target or "", verdict)
    console.print(table)


def _shown(figure: float) -> str:
    """Return three digits, or all before the point if there are more."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
