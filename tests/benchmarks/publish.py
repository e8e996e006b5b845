"""Writes the figures of `build/bench.json` to the documentation: tables, pictures, and the report itself.

Run it after a whole `make bench`: `.venv/bin/python -m tests.benchmarks.publish`.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bench_e2e import GENTLE, OTHERS
from tests.benchmarks.bench_scale import PROCESSES
from tests.benchmarks.chart import Chart
from tests.benchmarks.results import shown

REPORT: Final = Path("build/bench.json")
FOLDER: Final = Path("docs/explanation")
KEPT: Final = "performance.json"
"""The report that the documentation shows."""
OURS, PEER = "wxbus", "FastStream"

COMPARED: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    ("CPU of a callback, us", "每个回调的 CPU，us"): (
        "ingress/cpu-us",
        "ingress/fastapi-cpu-us",
        "ingress/flask-cpu-us",
    ),
    ("CPU of a message over a backlog, us", "积压时每条消息的 CPU，us"): (
        "worker/cpu-us",
        "worker/faststream-cpu-us",
        "worker/celery-cpu-us",
    ),
    ("CPU of a message at 200 a second, us", "每秒 200 条时每条消息的 CPU，us"): (
        "worker/gentle-cpu-us",
        "worker/gentle-faststream-cpu-us",
        "",
    ),
    ("CPU of Redis for a message, us", "每条消息的 Redis CPU，us"): (
        "worker/redis-us",
        "worker/faststream-redis-us",
        "worker/celery-redis-us",
    ),
    ("messages a second, one worker", "单个 worker 每秒消息数"): (
        "worker/messages-per-s",
        "worker/faststream-messages-per-s",
        "worker/celery-messages-per-s",
    ),
    ("memory of the worker, MiB", "worker 内存，MiB"): (
        "worker/memory-mib",
        "worker/faststream-memory-mib",
        "worker/celery-memory-mib",
    ),
    ("idle worker, % of a core", "空闲 worker，占一个核的百分比"): (
        "worker/idle-cpu",
        "worker/faststream-idle-cpu",
        "",
    ),
    ("callback to reply at 200 a second, p50 in ms", "每秒 200 条时从回调到回复，p50，ms"): (
        f"e2e/p50-ms-{GENTLE}",
        f"e2e/faststream-p50-ms-{GENTLE}",
        "",
    ),
    ("the same, p99 in ms", "同上，p99，ms"): (f"e2e/p99-ms-{GENTLE}", f"e2e/faststream-p99-ms-{GENTLE}", ""),
}
"""Figure of each stack by label in English and Chinese; "" where it is not measured."""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language."""

    suffix: str
    index: int
    compared: str
    targets: str
    verdicts: Mapping[str, str]
    throughput: tuple[str, str, str]
    latency: tuple[str, str, str]


LANGUAGES: Final = (
    Language(
        "",
        0,
        "| | wxbus | FastAPI + FastStream | Flask + Celery |",
        "| figure | median | lowest | highest | target | |",
        {"met": "met", "not met": "not met", "undecided": "undecided"},
        ("Messages a second over a backlog", "worker processes", "messages a second"),
        ("From the callback to the reply at WeChat", "callbacks a second", "milliseconds"),
    ),
    Language(
        ".zh-CN",
        1,
        "| | wxbus | FastAPI + FastStream | Flask + Celery |",
        "| 指标 | 中位数 | 最低 | 最高 | 目标 | |",
        {"met": "达到", "not met": "未达到", "undecided": "无法判定"},
        ("积压时每秒处理的消息数", "worker 进程数", "每秒消息数"),
        ("从回调到微信收到回复", "每秒回调数", "毫秒"),
    ),
)


def documents(report: Mapping[str, Any], folder: Path) -> dict[Path, str]:
    """Return the content of each file that shows the report.

    Raises:
        KeyError: The report lacks a figure: it is not that of a whole run.
    """
    results = {one["name"]: one for one in report["results"]}
    files = {folder / KEPT: json.dumps(report, indent=1) + "\n"}
    for language in LANGUAGES:
        page = folder / f"performance{language.suffix}.md"
        text = page.read_text(encoding="utf-8")
        for name, table in (("compared", _compared(results, language)), ("targets", _targets(results, language))):
            text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
        files[page] = text
        files[folder / f"throughput{language.suffix}.svg"] = _throughput(results, language).svg()
        files[folder / f"latency{language.suffix}.svg"] = _latency(results, language).svg()
    return files


def _compared(results: Mapping[str, Any], language: Language) -> str:
    lines = [language.compared, "| --- | --- | --- | --- |"]
    for labels, names in COMPARED.items():
        figures = (shown(results[name]["value"]) if name else "" for name in names)
        lines.append(f"| {labels[language.index]} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def _targets(results: Mapping[str, Any], language: Language) -> str:
    lines = [language.targets, "| --- | --- | --- | --- | --- | --- |"]
    for name, one in results.items():
        if one["target"]:
            figures = " | ".join(shown(one[figure]) for figure in ("value", "low", "high"))
            lines.append(f"| `{name}` | {figures} | {one['target']} | {language.verdicts[one['verdict']]} |")
    return "\n".join(lines) + "\n"


def _throughput(results: Mapping[str, Any], language: Language) -> Chart:
    def line(peer: str) -> dict[float, float]:
        return {float(count): results[f"worker/backlog-10k-{peer}rate-{count}"]["value"] for count in PROCESSES}

    return Chart(*language.throughput, {OURS: line(""), PEER: line("faststream-")})


def _latency(results: Mapping[str, Any], language: Language) -> Chart:
    def line(peer: str, share: str) -> dict[float, float]:
        loads = sorted((GENTLE, *OTHERS))
        return {float(load): results[f"e2e/{peer}{share}-ms-{load}"]["value"] for load in loads}

    lines = {
        f"{name}, {share}": line(peer, share)
        for name, peer in ((OURS, ""), (PEER, "faststream-"))
        for share in ("p50", "p99")
    }
    return Chart(*language.latency, lines, logarithmic=True, pairs=True)


def main() -> None:
    """Write the files."""
    try:
        files = documents(json.loads(REPORT.read_text(encoding="utf-8")), FOLDER)
    except FileNotFoundError as exc:
        sys.exit(f"there is no {exc.filename}: run `make bench` first")
    except KeyError as exc:
        sys.exit(f"{REPORT} lacks {exc}: run `make bench`, with all parts")
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
