"""Services start without the modules that most starts do not need."""

import subprocess
import sys

STARTS = {
    "wxbus_ingress.server": {"wxbus.api", "wxbus.rpc", "wxbus.tokens", "wxbus.wechat.registry", "redis"},
    "wxbus_token.cli.serve": {"cryptography.x509", "wxbus.wechat.registry", "wxbus.wechat.public"},
    "wxbus_gateway.cli.run": {
        "alembic",
        "asyncpg",
        "mako",
        "sqlalchemy.dialects.postgresql",
        "wxbus.wechat.registry",
        "wxbus.api.endpoints.users",
    },
    "wxbus_worker.cli.run": {"alembic", "wxbus.wechat.events.shop_orders", "wxbus.api.endpoints.menus"},
    "wxbus_sandbox.cli.serve": {"wxbus.wechat.events.shop_orders", "hypothesis"},
}
"""What each service does not import at its start, in the order of the imports."""
NEVER = {"opentelemetry.exporter", "watchfiles", "docker", "schemathesis"}
"""What none of them imports without an option."""

PROGRAM = f"""
import importlib, sys
for service, later in {STARTS!r}.items():
    importlib.import_module(service)
    print(service, *sorted((later | {NEVER!r}) & sys.modules.keys()))
"""


def test_services_import_what_they_need_at_start() -> None:
    """API families, models of events, tools of databases and of development are imported at their first use."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [*STARTS]
