"""`--help` answers quickly and without names of Python types."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("aio_pika", "aiohttp", "aiormq", "cryptography", "docker", "prometheus_client", "pydantic_settings"),
    *("redis", "requests", "structlog", "testcontainers", "uvloop", "wxbus.errors", "wxbus.config.settings"),
}
"""Modules that are slow to import. The test checks imports, because a time limit would measure the machine."""

COMMANDS = {
    "wxbus_ingress": ["", "spool", "spool export", "spool status"],
    "wxbus_worker": [
        "",
        "dead",
        "dead list",
        "dead show",
        "dead replay",
        "dead drop",
        "context",
        "context list",
        "context show",
        "context drop",
        "context drop-all",
        "broadcast",
        *(f"broadcast {name}" for name in ("start", "watch", "status", "pause", "resume", "cancel", "refused", "list")),
    ],
    "wxbus_gateway": [
        "",
        "encryption-key",
        *(f"users {name}" for name in ("find", "show", "export", "erase")),
        *(f"database {name}" for name in ("upgrade", "downgrade", "current")),
    ],
    "wxbus_token": ["", "status", "get", "refresh", "encryption-key", "accounts", "accounts add", "keys", "keys add"],
    "wxbus_sandbox": ["", "send", "login", "trigger", "replay", "export", "play", "tail", "load", "doctor"],
    "wxbus_local": ["", "run", "demo"],
}

PROGRAM = """
import contextlib, io, json, runpy, sys
module, *commands = sys.argv[1:]
found = {}
for command in commands:
    sys.argv = [module, *command.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as exc:
            found[command] = {"code": exc.code, "output": output.getvalue()}
print(json.dumps({"commands": found, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize("module", COMMANDS)
def test_help_imports_nothing_heavy_and_shows_no_names_of_types(module: str) -> None:
    """Help imports only typer, and shows no type names like `<bool>`."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *COMMANDS[module]],
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )

    result = json.loads(done.stdout)
    assert HEAVY & set(result["modules"]) == set()
    for command in COMMANDS[module]:
        assert result["commands"][command]["code"] in {None, 0}
        output = result["commands"][command]["output"]
        assert "Usage" in output
        for word in ("<bool>", "<str>", "<float>", "<int", "<list", "<datetime"):
            assert word not in output
