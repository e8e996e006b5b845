"""Fills a virtual environment: `python3 -m wxbus_local.install.dependencies VENV LOCK PROJECT...`.

Uses uv if it is installed, else pip. It runs before anything is installed, so it needs only the standard library.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?==", re.MULTILINE)
FETCHED = re.compile(r"^(?:Collecting |Processing \S*/)([A-Za-z0-9._]+)")
"""pip's line for a package that it takes from an index or from a folder."""
STEP = 10
"""Packages between two lines of progress in a log."""
LAST_LINES = 12


def main(venv: Path, lock: Path, projects: Sequence[str]) -> int:
    """Install the packages of the lock file, then the projects in editable mode; return the exit code."""
    editable = [argument for project in projects for argument in ("-e", f"./{project}")]
    # The lock file is complete, and overrides what packages ask for (locks/overrides.in).
    steps = [["--require-hashes", "--no-deps", "-r", str(lock)], ["--no-build-isolation", "--no-deps", *editable]]
    if uv := shutil.which("uv"):
        print(f"installing into {venv} with uv", flush=True)
        command = [uv, "pip", "install", "--python", str(venv / "bin/python")]
        if all(subprocess.run([*command, *step], check=False).returncode == 0 for step in steps):
            return 0
        print("uv failed; trying pip, which may have another package index", flush=True)
    total = len(PINNED.findall(lock.read_text(encoding="utf-8")))
    print(f"installing into {venv} with pip: about {total} packages, one to three minutes", flush=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    progress = progress_printer(terminal=sys.stdout.isatty())
    for step in steps:
        with subprocess.Popen([*pip, *step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            output = follow(process.stdout or (), total=total, progress=progress)
        if process.returncode != 0:
            print("\n".join(output[-LAST_LINES:]), file=sys.stderr)
            return process.returncode
    return 0


def follow(lines: Iterable[str], *, total: int, progress: Callable[[int, str], None]) -> list[str]:
    """Return pip's output; call `progress` with a count and a text for each package that pip fetches."""
    output, count = [], 0
    for line in lines:
        output.append(line.rstrip())
        if match := FETCHED.match(line):
            count += 1
            progress(count, f"{count} of about {total}: {match[1]}")
        elif line.startswith("Installing collected packages"):
            progress(0, f"unpacking {line.count(',') + 1} packages")
    return output


def progress_printer(*, terminal: bool) -> Callable[[int, str], None]:
    """Return a function that prints progress: one line that changes in a terminal, every tenth line elsewhere."""

    def progress(count: int, text: str) -> None:
        if terminal:
            print(f"\r\x1b[K  {text}", end="" if count else "\n", flush=True)
        elif count % STEP == 0:
            print(f"  {text}", flush=True)

    return progress


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
