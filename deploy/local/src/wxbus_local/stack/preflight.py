"""Checks settings, accounts and handlers before anything is started: `python -m wxbus_local.stack.preflight`.

It runs as a child process with the environment of the services, because it imports the user's handlers.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.config.settings import AccountsSettings, WeChatApiSettings, load
from wxbus.errors import ConfigurationError
from wxbus_gateway.settings import GatewaySettings
from wxbus_ingress.settings import IngressSettings
from wxbus_token.settings import TokenSettings
from wxbus_worker.settings import WorkerSettings

TIMEOUT: Final = 60.0
"""Seconds for all checks, the import of the handlers included."""


def check(environment: Mapping[str, str]) -> None:
    """Check that the services can start with this environment.

    Raises:
        ConfigurationError: They cannot; the text has one line for each reason.
    """
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as exc:
        app = environment.get("WXBUS_WORKER_APP")
        raise ConfigurationError(f"WXBUS_WORKER_APP: importing {app} takes more than {TIMEOUT:.0f} s") from exc
    if done.returncode != 0:
        raise ConfigurationError(done.stderr.strip() or f"the check ended with exit code {done.returncode}")


def _accounts() -> None:
    accounts = Accounts.read(load(AccountsSettings).accounts_file)
    if not len(accounts):
        raise ConfigurationError("WXBUS_ACCOUNTS_FILE: the file has no accounts")
    accounts.check_replies()
    reject_demo_secrets([load(WeChatApiSettings).wechat_api_url], accounts=accounts)


def _handlers() -> None:
    from wxbus_worker.handlers.loading import load_router  # noqa: PLC0415 - the parent process does not need it
    from wxbus_worker.handlers.route_table import RouteTable  # noqa: PLC0415

    settings = load(WorkerSettings)
    RouteTable(load_router(settings.app, app_dir=settings.app_dir))


def _services() -> None:
    from wxbus_gateway.services.loading import load_application  # noqa: PLC0415

    settings = load(GatewaySettings)
    load_application(settings.app, app_dir=settings.app_dir)


CHECKS: Final[tuple[Callable[[], object], ...]] = (
    lambda: load(IngressSettings),
    lambda: load(TokenSettings),
    _accounts,
    _handlers,
    _services,
)


def main() -> int:
    """Print each reason why a service cannot start to standard error; return the exit code."""
    reasons: dict[str, None] = {}  # ordered, without the repetitions of settings that services share
    for run_check in CHECKS:
        try:
            run_check()
        except ConfigurationError as exc:
            reasons |= dict.fromkeys(str(exc).splitlines())
    print("\n".join(reasons), file=sys.stderr, end="")
    return 2 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
