"""The sandbox service."""

import structlog
import uvloop

from wxbus.accounts.accounts import Accounts
from wxbus.config.settings import load, log_unknown_variables
from wxbus.runtime import logs
from wxbus.runtime.admin import listening
from wxbus.runtime.signals import stop_signal
from wxbus_sandbox.app import build_app
from wxbus_sandbox.settings import Address, SandboxSettings

log = structlog.get_logger(__name__)


def serve() -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationError: A setting, the accounts file or the port is not usable.
    """
    settings = load(SandboxSettings)
    accounts = Accounts.read(settings.accounts.accounts_file)
    logs.configure(settings.log, service="sandbox")
    log_unknown_variables(SandboxSettings)
    uvloop.run(_serve(settings, accounts))


async def _serve(settings: SandboxSettings, accounts: Accounts) -> None:
    stop = stop_signal()
    address = settings.address
    app = build_app(
        accounts,
        ingress_url=settings.ingress_url,
        public_url=address.url,
        rules=settings.rules,
        allowed_hosts=address.allowed_hosts,
        gateway_url=settings.gateway_url,
    )
    async with listening(app, host=address.host, port=address.port) as port:
        announce(address.model_copy(update={"port": port}), accounts)
        await stop.wait()
    log.info("sandbox.stopped")


def announce(address: Address, accounts: Accounts) -> None:
    """Log the address of the page, and a warning if other machines can reach it."""
    names = [account.name for account in accounts]
    log.info("sandbox.listening", host=address.host, port=address.port, page=f"{address.url}/", accounts=names)
    if not address.is_loopback:
        hint = "it asks for no password; WXBUS_SANDBOX_HOST=127.0.0.1 restricts it to this machine"
        log.warning("sandbox.reachable_by_other_machines", host=address.host, hint=hint)
