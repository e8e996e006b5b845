"""Prints the progress of the start, and the services' log entries."""

import json
import re
import time
from collections import deque
from typing import Final

from rich.console import Console
from rich.text import Text

from wxbus_local.stack.stack import Line

LEVELS: Final = {"debug": "dim", "info": "", "warning": "yellow", "error": "bold red", "critical": "bold red"}
NAMES: Final = {"token": "magenta", "ingress": "cyan", "sandbox": "green"}
WORKER: Final = "blue"
SHOWN_ELSEWHERE: Final = ("event", "level", "timestamp", "service", "exception")
LAST_LINES: Final = 15
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that control the terminal or the direction of text, except line feeds and tabs."""
NAME_WIDTH: Final = 9
ADDRESS_WIDTH: Final = 32


class Screen:
    """Prints the start of the stack, then the services' output."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._streaming = False
        self._recent: deque[Line] = deque(maxlen=LAST_LINES)

    def title(self, text: str) -> None:
        """Print the first line."""
        self.console.print(Text.assemble("\n", ("wxbus", "bold green"), f"  {text}\n"))

    def say(self, line: str) -> None:
        """Print a line of progress, `NAME: text`."""
        name, colon, text = line.partition(": ")
        if colon:
            self.console.print(Text.assemble("  ", (f"{name:{NAME_WIDTH}} ", "bold"), text), soft_wrap=True)
        else:
            self.console.print(Text(f"  {line}", style="dim"), soft_wrap=True)

    def ready(self, name: str, address: str, seconds: float) -> None:
        """Print that a service is ready."""
        self.console.print(
            Text.assemble(
                "  ",
                (f"{name:{NAME_WIDTH}} ", "bold"),
                f"{address:{ADDRESS_WIDTH}}",
                (f"ready after {seconds:.1f} s", "dim"),
            )
        )

    def stream(self) -> None:
        """Print the services' output from now on; before, it is about starting."""
        self._streaming = True

    def add(self, line: Line) -> None:
        """Take a line of a service's output."""
        self._recent.append(line)
        if self._streaming:
            self.console.print(rendered(line), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.console.print(Text.assemble("  ", ("warning   ", "bold yellow"), escaped(text)), soft_wrap=True)

    def failure(self, text: str) -> None:
        """Print why the stack stopped, after the services' last output unless it was printed already."""
        if not self._streaming:
            for line in self._recent:
                self.console.print(rendered(line), soft_wrap=True)
        self.console.print(Text.assemble("\n  ", ("stopped: ", "bold red"), escaped(text), "\n"), soft_wrap=True)


def escaped(text: str) -> str:
    """Return the text with control characters escaped, except line feeds and tabs."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _field(value: object) -> str:
    """Return a value in one line, as in the services' console format."""
    if not isinstance(value, str):
        return escaped(json.dumps(value, ensure_ascii=False))
    return escaped(value).replace("\n", "\\n").replace("\t", "\\t")


def rendered(line: Line) -> Text:
    """Return a log entry as time, service, event and fields; other lines unchanged."""
    prefix = (f"{line.name:{NAME_WIDTH}} ", NAMES.get(line.name, WORKER))
    try:
        entry = json.loads(line.text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or "event" not in entry:
        return Text.assemble(time.strftime("%H:%M:%S "), prefix, escaped(line.text))
    moment = _field(entry.get("timestamp", ""))[11:19] or time.strftime("%H:%M:%S")
    text = Text.assemble(
        (f"{moment} ", "dim"), prefix, (_field(str(entry["event"])), LEVELS.get(str(entry.get("level")), ""))
    )
    for name, value in entry.items():
        if name not in SHOWN_ELSEWHERE:
            text.append(f"  {_field(name)}=", "dim").append(_field(value))
    if exception := entry.get("exception"):
        text.append(f"\n{escaped(str(exception))}", "dim")
    return text
