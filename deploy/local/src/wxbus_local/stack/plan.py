"""Settings, addresses and keys of a local stack, decided before anything starts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import Servers
from wxbus_local.settings import LocalSettings
from wxbus_local.stack import environment
from wxbus_local.stack.addresses import Addresses
from wxbus_local.stack.credentials import Credentials
from wxbus_local.stack.services import services
from wxbus_local.stack.stack import Line, Stack

PLACEHOLDER: Final = Servers(amqp_url="amqp://127.0.0.1/", management_url=None, redis_url="redis://127.0.0.1/")
"""Stands for the servers while they do not run yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A local stack to start."""

    settings: LocalSettings
    addresses: Addresses
    credentials: Credentials
    data: Path
    """The folder of keys and of the spool."""

    @classmethod
    def of(cls, settings: LocalSettings, *, data: Path) -> "Plan":
        """Return the plan; raises ConfigurationError for a port that is set but taken."""
        return cls(settings, Addresses.choose(settings), Credentials.of(data / "keys"), data)

    def warnings(self) -> list[str]:
        """Return a warning for each variable that is set without effect."""
        return [
            *environment.unknown_variable_warnings(),
            *environment.overridden_variable_warnings(self._fixed(PLACEHOLDER)),
        ]

    def environment(self, run: Run, servers: Servers = PLACEHOLDER) -> dict[str, str]:
        """Return the environment of all services."""
        defaults = environment.defaults(self.settings, self.addresses)
        return defaults | environment.inherited() | run.variables | self._fixed(servers)

    def running(
        self, run: Run, servers: Servers, *, on_line: Callable[[Line], None], reload: bool
    ) -> AbstractContextManager[Stack]:
        """Run the services for a block, see `Stack.running`; with `reload` workers restart when handlers change."""
        app, _ = self.settings.services_app
        chosen = services(self.addresses, gateway_app=app, sandbox=not self.settings.real, reload=reload)
        return Stack.running(run, servers, self.addresses, chosen, self.environment(run, servers), on_line=on_line)

    @contextmanager
    def env_file(self, servers: Servers) -> Iterator[None]:
        """Provide the file with variables for commands while the block runs."""
        file = self.settings.local_data / environment.ENV_FILE
        environment.write_env_file(file, self._fixed(servers), self.addresses, self.credentials)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def _fixed(self, servers: Servers) -> dict[str, str]:
        return environment.fixed(self.settings, self.addresses, servers, self.credentials, data=self.data)
