"""Runs a module in a process whose wall clock is wrong: `python -m tests.support.skewed SECONDS MODULE`."""

import runpy
import sys
import time


def main() -> None:
    """Put the clock forward (or back) and run the module as `python -m` does."""
    seconds, module = float(sys.argv[1]), sys.argv[2]
    true = time.time
    time.time = lambda: true() + seconds
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
