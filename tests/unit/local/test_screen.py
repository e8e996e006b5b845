"""What a person sees of the services' log lines."""

import io
import json

from rich.console import Console

from wxbus_local.screen import Screen
from wxbus_local.stack import Line


def test_a_misspelt_variable_is_shown_while_all_starts() -> None:
    """Lines about starting are kept back, but not the one that says that a setting has no effect."""
    shown = io.StringIO()
    screen = Screen(Console(file=shown, width=120))

    for entry in ({"event": "store.away"}, {"event": "settings.unread", "variable": "WXBUS_INGRESS_PROT"}):
        screen.hear(Line("ingress", json.dumps(entry)))

    assert "settings.unread  variable=WXBUS_INGRESS_PROT" in shown.getvalue()
    assert "store.away" not in shown.getvalue()
