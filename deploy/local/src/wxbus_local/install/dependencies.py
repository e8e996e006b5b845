"""Fills a virtual environment: `python3 -m wxbus_local.install.dependencies VENV LOCK PROJECT...`.

With uv where it is installed, else with pip. It runs before anything is installed, so with Python alone.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?==", re.MULTILINE)
TAKEN = re.compile(r"^(?:Collecting |Processing \S*/)([A-Za-z0-9._]+)")
"""How pip names a package that it takes from an index or from a folder."""
STEP = 10
"""Packages between two lines where no terminal shows the count."""
LAST_LINES = 12


def main(venv: Path, lock: Path, projects: Sequence[str]) -> int:
    """Install what the lock pins, then the projects as they are in the checkout; return the exit code."""
    editable = [word for project in projects for word in ("-e", f"./{project}")]
    # The lock has all there is to install; it overrides what one of them asks for (locks/overrides.in).
    steps = [["--require-hashes", "--no-deps", "-r", str(lock)], ["--no-build-isolation", "--no-deps", *editable]]
    if uv := shutil.which("uv"):
        print(f"installing into {venv} with uv", flush=True)
        command = [uv, "pip", "install", "--python", str(venv / "bin/python")]
        if all(subprocess.run([*command, *step], check=False).returncode == 0 for step in steps):
            return 0
        print("uv failed; trying pip, which has an index of its own", flush=True)
    total = len(PINNED.findall(lock.read_text(encoding="utf-8")))
    print(f"installing into {venv} with pip: about {total} packages, one to three minutes", flush=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    for step in steps:
        with subprocess.Popen([*pip, *step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            said = follow(process.stdout or (), total=total, tell=teller(terminal=sys.stdout.isatty()))
        if process.returncode != 0:
            print("\n".join(said[-LAST_LINES:]), file=sys.stderr)
            return process.returncode
    return 0


def follow(lines: Iterable[str], *, total: int, tell: "Callable[[int, str], None]") -> "list[str]":
    """Return pip's lines; call `tell` with the number of packages so far and a text for each that is fetched."""
    said, count = [], 0
    for line in lines:
        said.append(line.rstrip())
        if found := TAKEN.match(line):
            count += 1
            tell(count, f"{count} of about {total}: {found[1]}")
        elif line.startswith("Installing collected packages"):
            tell(0, f"unpacking {line.count(',') + 1} packages")
    return said


def teller(*, terminal: bool) -> "Callable[[int, str], None]":
    """Return what shows progress: in one line of a terminal that changes, elsewhere in a line now and then."""

    def tell(count: int, text: str) -> None:
        if terminal:
            print(f"\r\x1b[K  {text}", end="" if count else "\n", flush=True)
        elif count % STEP == 0:
            print(f"  {text}", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
