"""The variables of all services of a local stack, and the file of those that commands need."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from wxbus.config.settings import PREFIX, unknown_variables, variables
from wxbus_ingress.settings import IngressSettings, SpoolCommandSettings
from wxbus_local.servers.launcher import Servers
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.addresses import Addresses, url
from wxbus_local.stack.credentials import Credentials
from wxbus_sandbox.settings import SandboxSettings
from wxbus_token.cli.console import CallerSettings
from wxbus_token.settings import TokenSettings
from wxbus_worker.settings import WorkerSettings

SETTINGS = (
    LocalSettings,
    IngressSettings,
    SpoolCommandSettings,
    TokenSettings,
    CallerSettings,
    WorkerSettings,
    SandboxSettings,
)
"""Of all parts."""

ENV_FILE = "env"
"""In the folder of local data."""


def of_services(
    settings: LocalSettings, addresses: Addresses, servers: Servers, credentials: Credentials, *, data: Path
) -> dict[str, str]:
    """Return what all services get beside the user's own environment, which stands where this says nothing."""
    app, app_dir = settings.app
    decided = {
        **addresses.environment(),
        "WXBUS_AMQP_URL": servers.amqp_url,
        "WXBUS_REDIS_URL": servers.redis_url,
        "WXBUS_NAMESPACE": settings.names,
        "WXBUS_PARTITIONS": str(settings.partitions),
        "WXBUS_INGRESS_SPOOL_DIR": str((data / "spool").absolute()),
        "WXBUS_WECHAT_API_URL": settings.wechat_api_url or addresses.sandbox_url,
        "WXBUS_ACCOUNTS_FILE": str(settings.accounts_file.absolute()),
        "WXBUS_WORKER_APP": app,
        "WXBUS_WORKER_APP_DIR": str(app_dir),
        "WXBUS_TOKEN_ENCRYPTION_KEYS": credentials.encryption_keys,
        "WXBUS_TOKEN_API_KEYS_FILE": str(credentials.api_keys_file),
        "WXBUS_WORKER_TOKEN_API_KEY": credentials.worker_api_key,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }
    if servers.management_url:
        decided["WXBUS_AMQP_MANAGEMENT_URL"] = servers.management_url
    return decided


def preferred(settings: LocalSettings, addresses: Addresses) -> dict[str, str]:
    """Return what services get where the user has set nothing."""
    found = {
        "WXBUS_LOG_FORMAT": "json",  # for us to read
        "WXBUS_LOG_LEVEL": "debug",  # each message can be followed
    }
    if not settings.real:
        found["WXBUS_TOKEN_WECOM_API_URL"] = addresses.sandbox_url
    return found


def misspelt() -> list[str]:
    """Return a sentence for each variable of ours that no part reads."""
    return [
        f"{name} is set, but no part of wxbus reads it" + (f"; did you mean {meant}?" if meant else "")
        for name, meant in unknown_variables(*SETTINGS).items()
    ]


def overruled(decided: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that the user has set and that has no effect here."""
    ours = variables(LocalSettings)
    return [
        f"{name} is set, but has no effect here: this command sets it itself"
        for name, value in sorted(decided.items())
        if name.startswith(PREFIX) and name not in ours and os.environ.get(name, value) != value
    ]


def known() -> dict[str, str]:
    """Return our environment without the variables that no part reads: their warning has been given."""
    left_out = unknown_variables(*SETTINGS)
    return {name: value for name, value in os.environ.items() if name not in left_out}


def write(file: Path, services: Mapping[str, str], addresses: Addresses, credentials: Credentials) -> None:
    """Write what commands in another terminal need, for a shell to read; it holds keys, so only this user reads it."""
    wanted = ("WXBUS_AMQP_URL", "WXBUS_REDIS_URL", "WXBUS_NAMESPACE", "WXBUS_PARTITIONS", "WXBUS_INGRESS_SPOOL_DIR")
    found = {name: services[name] for name in wanted}
    found["WXBUS_TOKEN_URL"] = url(addresses.token)
    found["WXBUS_TOKEN_API_KEY"] = credentials.admin_api_key
    found["WXBUS_SANDBOX_PORT"] = str(addresses.sandbox)
    found["WXBUS_LOCAL_ENV"] = str(file)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("\n".join(["# For commands while `make run` runs: . " + str(file), *lines, ""]), encoding="utf-8")
