"""What a benchmark found, as a table for people and as `build/bench.json` for machines."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import comb
from pathlib import Path
from statistics import median
from typing import Literal, TypeAlias

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.targets import TARGETS, Target

Verdict: TypeAlias = Literal["met", "not met", "undecided"]

MEASURED = (
    "aiohttp",
    "aiormq",
    "celery",
    "cryptography",
    "fastapi",
    "faststream",
    "flask",
    "gunicorn",
    "hiredis",
    "httptools",
    "pydantic",
    "redis",
    "requests",
    "uvicorn",
    "uvloop",
    "wechatpy",
)
CONFIDENCE = 0.9
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
    verdict: Verdict | None = None
    """Whether it is; undecided if another run of as many rounds might find otherwise."""

    @classmethod
    def of(cls, name: str, unit: str, rounds: Sequence[float]) -> "Result":
        """Return the result of several rounds, beside its target if it has one."""
        target = TARGETS.get(name)
        return cls(
            name,
            round(median(rounds), 3),
            unit,
            low=round(min(rounds), 3),
            high=round(max(rounds), 3),
            target=None if target is None else str(target),
            verdict=None if target is None else verdict(target, rounds),
        )


def verdict(target: Target, rounds: Sequence[float]) -> Verdict:
    """Return whether the true median of a figure meets its target, as far as its rounds can tell."""
    low, high = interval(rounds)
    outcomes = {target.met_by(low), target.met_by(high)}
    return "undecided" if len(outcomes) > 1 else "met" if outcomes == {True} else "not met"


def interval(rounds: Sequence[float]) -> tuple[float, float]:
    """Return the narrowest pair of rounds that encloses the true median with `CONFIDENCE`; else the extremes.

    Each round is below or above the true median with equal chances, whatever the distribution is. Below five rounds
    nothing narrower than the extremes can be said.
    """
    ordered = sorted(rounds)
    outside = 0
    missed = 2 * 0.5 ** len(ordered)  # the chance that all are on one side
    while missed + 2 * comb(len(ordered), outside + 1) * 0.5 ** len(ordered) <= 1 - CONFIDENCE:
        outside += 1
        missed += 2 * comb(len(ordered), outside) * 0.5 ** len(ordered)
    return ordered[outside], ordered[-1 - outside]


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
        figures = map(shown, (result.value, result.low, result.high))
        table.add_row(result.name, *figures, result.unit, result.target or "", result.verdict or "")
    console.print(table)


def shown(figure: float) -> str:
    """Return three digits, or all before the point if there are more."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
