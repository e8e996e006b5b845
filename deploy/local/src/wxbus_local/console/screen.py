"""What a person sees while a local stack runs."""

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
KNOWN: Final = ("event", "level", "timestamp", "service", "exception")
LAST_LINES: Final = 15
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, change colours or turn text round; line feeds and tabs aside."""
NAME_WIDTH: Final = 9
PLACE_WIDTH: Final = 32


class Screen:
    """Prints the stack's start, and from then on the services' log lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._streaming = False
        self._recent: deque[Line] = deque(maxlen=LAST_LINES)

    def title(self, text: str) -> None:
        """Print the first line."""
        self.console.print(Text.assemble("\n", ("wxbus", "bold green"), f"  {text}\n"))

    def say(self, line: str) -> None:
        """Print one line about what is being prepared, `NAME: what`."""
        name, colon, what = line.partition(": ")
        if colon:
            self.console.print(Text.assemble("  ", (f"{name:{NAME_WIDTH}} ", "bold"), what), soft_wrap=True)
        else:
            self.console.print(Text(f"  {line}", style="dim"), soft_wrap=True)

    def ready(self, name: str, where: str, seconds: float) -> None:
        """Print that a part is ready."""
        self.console.print(
            Text.assemble(
                "  ",
                (f"{name:{NAME_WIDTH}} ", "bold"),
                f"{where:{PLACE_WIDTH}}",
                (f"ready after {seconds:.1f} s", "dim"),
            )
        )

    def stream(self) -> None:
        """Show the services' lines from now on: those before are all about starting."""
        self._streaming = True

    def hear(self, line: Line) -> None:
        """Take one line of a service."""
        self._recent.append(line)
        if self._streaming:
            self.console.print(rendered(line), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print what the user should mend though all goes on."""
        self.console.print(Text.assemble("  ", ("warning   ", "bold yellow"), escaped(text)), soft_wrap=True)

    def failure(self, text: str) -> None:
        """Print why it is over, last of all; before it what the services said last, if that was not shown."""
        if not self._streaming:
            for line in self._recent:
                self.console.print(rendered(line), soft_wrap=True)
        self.console.print(Text.assemble("\n  ", ("stopped: ", "bold red"), escaped(text), "\n"), soft_wrap=True)


def escaped(text: str) -> str:
    """Return text whose control characters are written as escapes; it may have line feeds and tabs."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _field(value: object) -> str:
    """Return a value in one line, as the console format of the services has it."""
    if not isinstance(value, str):
        return escaped(json.dumps(value, ensure_ascii=False))
    return escaped(value).replace("\n", "\\n").replace("\t", "\\t")


def rendered(line: Line) -> Text:
    """Return a line of a service for reading: time, service, event, fields; what is no log entry as it is."""
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
        if name not in KNOWN:
            text.append(f"  {_field(name)}=", "dim").append(_field(value))
    if exception := entry.get("exception"):
        text.append(f"\n{escaped(str(exception))}", "dim")
    return text
