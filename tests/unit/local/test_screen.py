"""How the services' output is printed."""

import io
import json

import pytest
from rich.console import Console

from wxbus_local.console.screen import Screen
from wxbus_local.stack.stack import Line

ATTACK = "/wechat/a\n12:00:00 token     all.well\x1b[31m\x1b]0;title\x07\x9b2J\u202e\u2028"


def shown(*lines: Line) -> str:
    """Return the terminal's content after these lines."""
    output = io.StringIO()
    screen = Screen(Console(file=output, width=200, force_terminal=False))
    screen.stream()
    for line in lines:
        screen.add(line)
    return output.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"event": "callback.refused", "path": ATTACK}),
        json.dumps({"event": ATTACK}),
        json.dumps({"event": "x", ATTACK: 1}),
        json.dumps({"event": "x", "paths": [ATTACK]}),
        json.dumps({"event": "x", "timestamp": ATTACK}),
        ATTACK.replace("\n", ""),
    ],
    ids=["value", "event", "name", "list", "time", "no-log-line"],
)
def test_control_characters_are_escaped(text: str) -> None:
    """Data of a request cannot add lines to the output or control the terminal."""
    output = shown(Line("ingress", text))

    assert output.count("\n") == 1
    assert all(character.isprintable() for character in output.rstrip("\n"))


def test_a_traceback_keeps_only_its_line_feeds() -> None:
    """Other control characters in an exception's message are escaped."""
    exception = "Traceback:\n  File 'x'\nValueError: \x1b[31mred"

    output = shown(Line("worker.1", json.dumps({"event": "failed", "exception": exception})))

    assert output.count("\n") == 4
    assert "\x1b" not in output
    assert "\\x1b[31mred" in output


def test_output_of_the_start_is_printed_only_if_the_start_fails() -> None:
    """A failed start prints the services' last output, then the reason as the last line."""
    output = io.StringIO()
    screen = Screen(Console(file=output, width=120))

    screen.add(Line("ingress", json.dumps({"event": "store.unavailable"})))
    assert output.getvalue() == ""
    screen.failure("the \x1b[31mreason")

    assert "store.unavailable" in output.getvalue()
    assert output.getvalue().rstrip().endswith("stopped: the \\x1b[31mreason")
