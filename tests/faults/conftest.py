"""Fixtures of the fault tests."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.installation import Installation
from wxbus_local.servers.launcher import Launcher

Install: TypeAlias = Callable[..., AbstractAsyncContextManager[Installation]]


@pytest.fixture
def install(launcher: Launcher, tmp_path: Path) -> Install:
    """`Installation.open` with a folder of this test's own, guarded like the servers."""
    return partial(Installation.open, launcher.run, tmp_path)
