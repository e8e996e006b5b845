"""Runs the parts of a stack (honcho), as a process of its own; says what happens as one JSON object a line.

Started as `python -m wxbus_local.stack.supervisor`; it reads the parts (`parts`) as JSON. If one part ends, all do.
"""

import json
import os
import re
import sys

from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer

STOPPED = re.compile(r"^(?P<name>\S+) stopped \(rc=(?P<code>-?\d+)\)$")


class JsonLines(Printer):  # type: ignore[misc]  # honcho has no types
    """Prints `{"name", "line"}` for a line of a service, `{"name", "stopped"}` for its end."""

    def write(self, message: Message) -> None:
        """Print what there is to know about one message."""
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else str(message.data)
        for line in text.splitlines():
            if message.name != SYSTEM_PRINTER_NAME:
                self._print(name=message.name, line=line)
            elif match := STOPPED.match(line):
                self._print(name=match["name"], stopped=int(match["code"]))

    def _print(self, **event: str | int) -> None:
        print(json.dumps(event, ensure_ascii=False), file=self.output, flush=True)


def main() -> int:
    """Run the parts until one of them ends or SIGTERM comes; return the exit code of the first to end."""
    manager = Manager(JsonLines(sys.stdout))
    for name, part in json.load(sys.stdin).items():
        manager.add_process(name, part["command"], env={**os.environ, **part["environment"]})
    manager.loop()
    return abs(int(manager.returncode or 0))


if __name__ == "__main__":
    sys.exit(main())
