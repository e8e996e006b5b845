"""The figures of the documentation are those of one report."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks import publish
from tests.benchmarks.chart import Chart
from tests.support.readme import ROOT

FOLDER = ROOT / publish.FOLDER


def test_the_documentation_shows_the_report_that_is_kept() -> None:
    """Tables and pictures are generated from `performance.json`, so no figure is edited by hand."""
    report = json.loads((FOLDER / publish.KEPT).read_text(encoding="utf-8"))
    for path, content in publish.documents(report, FOLDER).items():
        assert path.read_text(encoding="utf-8") == content, path.name


def test_another_report_changes_every_file(tmp_path: Path) -> None:
    """Both languages have all figures with targets, and say what became of them."""
    report = json.loads((FOLDER / publish.KEPT).read_text(encoding="utf-8"))
    for one in report["results"]:
        one["value"] += 12_345
        one["verdict"] = one["verdict"] and "undecided"
    for page in ("performance.md", "performance.zh-CN.md"):
        (tmp_path / page).write_text((FOLDER / page).read_text(encoding="utf-8"), encoding="utf-8")

    files = {path.name: content for path, content in publish.documents(report, tmp_path).items()}

    pictures = {f"{name}{end}" for name in ("throughput", "latency") for end in (".svg", ".zh-CN.svg")}
    assert files.keys() == {"performance.json", "performance.md", "performance.zh-CN.md", *pictures}
    targets = {one["name"] for one in report["results"] if one["target"]}
    for page, word in {"performance.md": "undecided", "performance.zh-CN.md": "无法判定"}.items():
        rows = re.findall(rf"^\| `([^`]+)` \| 1[2-9],\d+.*\| {word} \|$", files[page], re.MULTILINE)
        assert set(rows) == targets
    for name, content in files.items():
        assert content != (FOLDER / name).read_text(encoding="utf-8"), name


def test_a_report_of_one_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the first figure that is missing; nothing is written."""
    monkeypatch.setattr(publish, "REPORT", tmp_path / "bench.json")
    with pytest.raises(SystemExit, match="run `make bench` first"):
        publish.main()
    publish.REPORT.write_text(json.dumps({"results": []}), encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks 'ingress/cpu-us'"):
        publish.main()


def test_a_chart_has_a_point_for_each_value() -> None:
    """A higher value is higher in the picture, on both scales; names are escaped."""
    for logarithmic in (False, True):
        lines = {"a<b": {1.0: 10.0, 2.0: 200.0, 4.0: 3_000.0}, "c": {1.0: 5.0, 4.0: 50.0}}
        picture = ElementTree.fromstring(Chart("t", "x", "y", lines, logarithmic=logarithmic).svg())  # noqa: S314 - ours
        circles = picture.findall("{*}circle")
        heights = [float(circle.attrib["cy"]) for circle in circles]
        assert len(circles) == 5
        assert heights[0] > heights[1] > heights[2] > 0
        assert heights[3] > heights[4]
        assert "a<b" in [text.text for text in picture.findall("{*}text")]
