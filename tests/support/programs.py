"""Programs that a test needs beside Python."""

import shutil

import pytest

PACKAGES = {"node": "nodejs", "curl": "curl"}


def program(name: str) -> str:
    """Return the path of a program; without it the test fails, for a skipped one would look like a passed one."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"this test runs {name}, which is not installed; on Debian: apt-get install {PACKAGES[name]}")
    return path
