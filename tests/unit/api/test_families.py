"""The families of endpoints are attributes of the client."""

import subprocess
import sys

from wxbus.api.endpoints.menus import Menus
from wxbus.api.families import all_families
from wxbus_worker.testing import RecordingWeChat

IMPORTS = """
import sys
import wxbus_worker
from wxbus_worker.testing import RecordingWeChat
FAMILIES = ["wxbus.api.endpoints.menus", "wxbus.api.endpoints.express"]
print(*(name in sys.modules for name in FAMILIES))
RecordingWeChat().menus
print(*(name in sys.modules for name in FAMILIES))
"""


def test_a_family_is_imported_when_it_is_first_used() -> None:
    """A worker pays for the families that its handlers use, not for hundreds of models."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "False", "True", "False"]


def test_a_family_belongs_to_its_client() -> None:
    """The attribute is made once for each client, and calls with this client."""
    first, second = RecordingWeChat("wx1"), RecordingWeChat("wx2")
    assert first.menus is first.menus
    assert first.menus is not second.menus
    assert all_families()["menus"] is Menus
