"""What a person sees while a local stack runs."""

import json
import time
from collections import deque
from typing import Final

from rich.console import Console
from rich.text import Text

from wxbus_local.stack import Line

LEVELS: Final = {"debug": "dim", "info": "", "warning": "yellow", "error": "bold red", "critical": "bold red"}
NAMES: Final = {"token": "magenta", "ingress": "cyan", "sandbox": "green"}
WORKER: Final = "blue"
KNOWN: Final = ("event", "level", "timestamp", "service", "exception")
LAST_LINES: Final = 15
UNREAD: Final = '"settings.unread"'
"""A variable that was misspelt: whoever set it is to see it, though it is said while all starts."""
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
        if self._streaming or UNREAD in line.text:
            self.console.print(rendered(line), soft_wrap=True)

    def failure(self, text: str) -> None:
        """Print why it is over, after what the services said last if that was not shown."""
        if not self._streaming:
            for line in self._recent:
                self.console.print(rendered(line), soft_wrap=True)
        self.console.print(Text.assemble("\n  ", ("stopped: ", "bold red"), text, "\n"), soft_wrap=True)


def rendered(line: Line) -> Text:
    """Return a line of a service for reading: time, service, event, fields; what is no log entry as it is."""
    prefix = (f"{line.name:{NAME_WIDTH}} ", NAMES.get(line.name, WORKER))
    try:
        entry = json.loads(line.text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or "event" not in entry:
        return Text.assemble(time.strftime("%H:%M:%S "), prefix, line.text)
    moment = str(entry.get("timestamp", ""))[11:19] or time.strftime("%H:%M:%S")
    text = Text.assemble((f"{moment} ", "dim"), prefix, (str(entry["event"]), LEVELS.get(str(entry.get("level")), "")))
    for name, value in entry.items():
        if name not in KNOWN:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text.append(f"  {name}=", "dim").append(shown)
    if exception := entry.get("exception"):
        text.append(f"\n{exception}", "dim")
    return text
