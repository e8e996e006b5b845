"""The limit of open files."""

import subprocess
import sys

PROGRAM = """
import resource
from wxbus.runtime.open_files import allow_open_files
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
print(allow_open_files() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64)
"""


def test_a_process_may_open_as_many_files_as_the_system_permits() -> None:
    """A service that was started with a low limit raises it: its connections are files."""
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n", found.stderr
