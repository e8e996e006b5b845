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

COMMANDS = [
    *("wxbus_ingress", "wxbus_ingress spool", "wxbus_ingress spool export", "wxbus_ingress spool status"),
    *("wxbus_worker", "wxbus_worker dead", "wxbus_worker dead list", "wxbus_worker dead show"),
    *("wxbus_worker dead replay", "wxbus_worker dead drop"),
    *("wxbus_token", "wxbus_token status", "wxbus_token get", "wxbus_token refresh", "wxbus_token encryption-key"),
    *("wxbus_token accounts", "wxbus_token accounts add", "wxbus_token keys", "wxbus_token keys add"),
    *("wxbus_sandbox", "wxbus_sandbox send"),
    *("wxbus_local", "wxbus_local run", "wxbus_local demo"),
]

PROGRAM = """
import json, runpy, sys
module, *words = sys.argv[1:]
sys.argv = [module, *words, "--help"]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as exc:
    print(json.dumps({"code": exc.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_slow_and_shows_no_type_names(command: str) -> None:
    """`--help` imports only Python's own modules and typer, and shows no `<bool>`."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split()], capture_output=True, text=True, check=False, timeout=60
    )

    seen = json.loads(done.stderr.splitlines()[-1])
    assert seen["code"] in {None, 0}
    assert "Usage" in done.stdout
    assert HEAVY & set(seen["modules"]) == set()
    for word in ("<bool>", "<str>", "<float>", "<int", "<list", "<datetime"):
        assert word not in done.stdout
