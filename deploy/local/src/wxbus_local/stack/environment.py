"""The environment variables of all services of a local stack, and the file of variables for commands."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wxbus.config.settings import PREFIX, unknown_variables, variables
from wxbus_gateway.settings import GatewaySettings
from wxbus_ingress.settings import IngressSettings, SpoolCommandSettings
from wxbus_local.servers.launcher import Servers
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.addresses import Addresses, url
from wxbus_local.stack.credentials import Credentials
from wxbus_sandbox.settings import SandboxSettings
from wxbus_token.cli.console import CallerSettings
from wxbus_token.settings import TokenSettings
from wxbus_worker.settings import WorkerSettings

SETTINGS: Final = (
    LocalSettings,
    IngressSettings,
    SpoolCommandSettings,
    TokenSettings,
    CallerSettings,
    WorkerSettings,
    GatewaySettings,
    SandboxSettings,
)
COLLECTOR: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
ENV_FILE: Final = "env"
"""In the folder of local data."""


FOR_COMMANDS: Final = (
    "WXBUS_AMQP_URL",
    "WXBUS_REDIS_URL",
    "WXBUS_NAMESPACE",
    "WXBUS_PARTITIONS",
    "WXBUS_INGRESS_SPOOL_DIR",
    "WXBUS_ACCOUNTS_FILE",
    "WXBUS_GATEWAY_DATABASE_URL",
    "WXBUS_GATEWAY_ENCRYPTION_KEYS",
    "WXBUS_GATEWAY_TOKEN_API_KEY",
)
"""Variables that commands in another terminal need."""


def fixed(
    settings: LocalSettings, addresses: Addresses, servers: Servers, credentials: Credentials, *, data: Path
) -> dict[str, str]:
    """Return the variables of all services that override the user's environment."""
    app, app_dir = settings.app
    services_app, services_dir = settings.services_app
    found = {
        **addresses.environment(),
        "WXBUS_AMQP_URL": servers.amqp_url,
        "WXBUS_REDIS_URL": servers.redis_url,
        "WXBUS_NAMESPACE": settings.effective_namespace,
        "WXBUS_PARTITIONS": str(settings.partitions),
        "WXBUS_INGRESS_SPOOL_DIR": str((data / "spool").absolute()),
        "WXBUS_WECHAT_API_URL": settings.wechat_api_url or addresses.sandbox_url,
        "WXBUS_ACCOUNTS_FILE": str(settings.accounts_file.absolute()),
        "WXBUS_WORKER_APP": app,
        "WXBUS_WORKER_APP_DIR": str(app_dir),
        "WXBUS_GATEWAY_APP": services_app,
        "WXBUS_GATEWAY_APP_DIR": str(services_dir),
        "WXBUS_GATEWAY_DATABASE_URL": f"sqlite:///{(data / 'gateway.db').absolute()}",
        "WXBUS_GATEWAY_ENCRYPTION_KEYS": credentials.gateway_encryption_keys,
        "WXBUS_GATEWAY_TOKEN_API_KEY": credentials.api_keys["gateway"],
        "WXBUS_TOKEN_ENCRYPTION_KEYS": credentials.encryption_keys,
        "WXBUS_TOKEN_API_KEYS_FILE": str(credentials.api_keys_file),
        "WXBUS_WORKER_TOKEN_API_KEY": credentials.api_keys["worker"],
        "WXBUS_WORKER_API_KEYS_FILE": str(credentials.api_keys_file),
        "PYTHONUNBUFFERED": "1",
    }
    if servers.management_url:
        found["WXBUS_AMQP_MANAGEMENT_URL"] = servers.management_url
    return found


def defaults(settings: LocalSettings, addresses: Addresses) -> dict[str, str]:
    """Return the variables of all services that the user's environment overrides."""
    found = {
        "WXBUS_LOG_FORMAT": "json",  # `console.screen` renders it
        "WXBUS_LOG_LEVEL": "debug",  # shows the steps of each message
    }
    if not settings.real:
        found["WXBUS_WECOM_API_URL"] = f"{addresses.sandbox_url}/wecom"
        # The sandbox's page has a Mini Program.
        found["WXBUS_GATEWAY_CORS_ORIGINS"] = f"{addresses.sandbox_url},http://localhost:{addresses.sandbox}"
        if COLLECTOR not in os.environ:
            found |= {
                COLLECTOR: addresses.sandbox_url,
                "OTEL_BSP_SCHEDULE_DELAY": "200",  # milliseconds: the page shows what happens now
                "OTEL_BLRP_SCHEDULE_DELAY": "200",
                "WXBUS_WORKER_TRACE_CONTEXTS": "true",
            }
    return found


def inherited() -> dict[str, str]:
    """Return our environment without unknown `WXBUS_` variables: `unknown_variable_warnings` names them."""
    unknown = unknown_variables(*SETTINGS)
    return {name: value for name, value in os.environ.items() if name not in unknown}


def unknown_variable_warnings() -> list[str]:
    """Return a warning for each `WXBUS_` variable that no service reads."""
    return [
        f"{name} is set, but no part of wxbus reads it" + (f"; did you mean {similar}?" if similar else "")
        for name, similar in unknown_variables(*SETTINGS).items()
    ]


def overridden_variable_warnings(values: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that is set to another value than in `values`."""
    effective = variables(LocalSettings)
    return [
        f"{name} is set, but has no effect: this command sets it itself"
        for name, value in sorted(values.items())
        if name.startswith(PREFIX) and name not in effective and os.environ.get(name, value) != value
    ]


def write_env_file(file: Path, values: Mapping[str, str], addresses: Addresses, credentials: Credentials) -> None:
    """Write the variables that commands in another terminal need, as shell code; only this user may read the file."""
    found = {name: values[name] for name in FOR_COMMANDS}
    found["WXBUS_TOKEN_URL"] = url(addresses.token)
    found["WXBUS_TOKEN_API_KEY"] = credentials.api_keys["admin"]
    found["WXBUS_SANDBOX_PORT"] = str(addresses.sandbox)
    found["WXBUS_LOCAL_ENV"] = str(file)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("\n".join([f"# For commands while `make run` runs: . {file}", *lines, ""]), encoding="utf-8")
