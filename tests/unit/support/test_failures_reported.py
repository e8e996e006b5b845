"""The suite itself: a failure is reported with its name, whatever happens while it is formatted."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

CONFTEST = """\
import gc

from tests.conftest import pytest_runtest_makereport

def pytest_runtest_logreport(report):
    if report.failed:
        gc.set_threshold(20_000)
"""
FAILURE = """\
import ast
import gc

class Logged:
    def __init__(self):
        self.cycle = self

    def __del__(self):
        if gc.get_threshold()[0] == 10:
            Logged()
        deeper(60)

def deeper(calls):
    deeper(calls - 1) if calls else ast.parse("1 + 1")

def test_fails():
    gc.set_threshold(10, 1000, 1000)
    for _ in range(30):
        Logged()
    assert False
"""
LONG = "".join(f"x{number} = [1, (2, 3)]\n" for number in range(300))


def test_a_finalizer_that_parses_source_does_not_end_the_run(tmp_path: Path) -> None:
    """CPython 3.11 fails a parse during which a finalizer parses: no garbage is collected while pytest formats."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_failure.py").write_text(FAILURE + LONG)
    report = tmp_path / "report.xml"
    options = ("-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", f"--junitxml={report}")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    cases = ElementTree.parse(report).iterfind(".//testcase[failure]")  # noqa: S314 - written by pytest
    assert [case.get("name") for case in cases] == ["test_fails"]
