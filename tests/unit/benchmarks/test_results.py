"""What `make bench` tells: figures beside their targets, for people and for machines."""

import json
import re
from pathlib import Path

import pytest

from tests.benchmarks import results
from tests.benchmarks.results import Result, interval
from tests.benchmarks.targets import TARGETS

BENCHMARKS = Path(results.__file__).parent
NAME = re.compile(r'Result\.of\("([^"]+)"')


def test_a_verdict_needs_rounds_that_agree() -> None:
    """The interval that encloses the median by the rounds decides; a bound inside of it leaves the target undecided."""
    assert Result.of("worker/cpu-vs-celery", "ratio", [0.1, 0.2, 0.25]).verdict == "met"
    assert Result.of("worker/cpu-vs-celery", "ratio", [0.26, 0.3, 0.9]).verdict == "not met"
    assert Result.of("worker/cpu-vs-celery", "ratio", [0.1, 0.2, 0.3]).verdict == "undecided"
    assert Result.of("ingress/spool-rate", "1/s", [1_900.0, 2_100.0]).verdict == "undecided"
    assert Result.of("ingress/spool-rate", "1/s", [2_000.0]).verdict == "met"
    assert Result.of("worker/cpu-us", "us/message", [500.0]).verdict is None


def test_the_interval_drops_extremes_once_there_are_rounds_enough() -> None:
    """One disturbed round of eight decides nothing; of fewer rounds each counts (90 % confidence)."""
    assert interval([3.0, 1.0, 2.0]) == (1.0, 3.0)
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 99.0]) == (1.0, 99.0)
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 99.0]) == (2.0, 7.0)
    assert interval([float(number) for number in range(100)]) == (41.0, 58.0)


def test_the_table_says_which_targets_are_met(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are whole, although no terminal says how wide it is."""
    results.show(
        [
            Result.of("worker/cpu-vs-celery", "ratio", [2.0]),
            Result.of("token/amqp-rate", "1/s", [2_345.6]),
            Result.of("worker/cost-flatness", "ratio", [1.0, 1.2]),
            Result.of("worker/backlog-200k-memory-mib-start", "us/message", [123_456.7]),
        ]
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert lines[1:] == [
        "worker/cpu-vs-celery 2 2 2 ratio <= 0.25 not met",
        "token/amqp-rate 2,346 2,346 2,346 1/s >= 2,000 met",
        "worker/cost-flatness 1.1 1 1.2 ratio <= 1.1 undecided",
        "worker/backlog-200k-memory-mib-start 123,457 123,457 123,457 us/message",
    ]


def test_the_report_says_what_was_measured_on_what(tmp_path: Path) -> None:
    """Figures without their machine and versions say nothing; the name of the machine is left out."""
    results.write([Result.of("token/amqp-rate", "1/s", [1.0, 2.0, 4.0])], tmp_path / "build" / "bench.json")
    report = json.loads((tmp_path / "build" / "bench.json").read_text(encoding="utf-8"))

    assert report["results"] == [
        {
            "name": "token/amqp-rate",
            "value": 2.0,
            "unit": "1/s",
            "low": 1.0,
            "high": 4.0,
            "target": ">= 2,000",
            "verdict": "not met",
        }
    ]
    assert {"cores", "memory_gib"} <= report["machine"].keys()
    assert {"python", "redis", "celery"} <= report["versions"].keys()


def test_every_figure_is_explained() -> None:
    """Who reads the table finds each of its lines, and each target, in the README."""
    measured = {name for file in BENCHMARKS.glob("bench_*.py") for name in NAME.findall(file.read_text("utf-8"))}
    explained = set(re.findall(r"`([a-z0-9]+/[^`]+)`", (BENCHMARKS / "README.md").read_text("utf-8")))
    assert measured
    assert measured <= explained
    assert TARGETS.keys() <= explained
