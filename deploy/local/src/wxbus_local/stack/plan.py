"""What is going to run: settings, addresses and keys, decided before anything is started."""

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
from wxbus_local.stack.services import parts
from wxbus_local.stack.stack import Line, Stack, running

UNKNOWN: Final = Servers(amqp_url="amqp://127.0.0.1/", management_url=None, redis_url="redis://127.0.0.1/", own=())
"""Stands for servers that do not run yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A local stack that is to be started."""

    settings: LocalSettings
    addresses: Addresses
    credentials: Credentials
    data: Path
    """Where keys are kept, and callbacks that RabbitMQ did not take."""

    @classmethod
    def of(cls, settings: LocalSettings, *, data: Path) -> "Plan":
        """Return the plan; raises ConfigurationError for a port that is set and taken."""
        return cls(settings, Addresses.choose(settings), Credentials.of(data / "keys"), data)

    def warnings(self) -> list[str]:
        """Return a sentence for each variable that is set and has no effect."""
        return [*environment.misspelt(), *environment.overruled(self._decided(UNKNOWN))]

    def environment(self, run: Run, servers: Servers) -> dict[str, str]:
        """Return the environment of all services."""
        preferred = environment.preferred(self.settings, self.addresses)
        return preferred | environment.known() | run.variables | self._decided(servers)

    def running(
        self, run: Run, servers: Servers, *, hear: Callable[[Line], None], reload: bool
    ) -> AbstractContextManager[Stack]:
        """Run the services for a block, see `stack.running`; with `reload` changed handlers are loaded."""
        chosen = parts(self.addresses, sandbox=not self.settings.real, reload=reload)
        return running(run, servers, self.addresses, chosen, self.environment(run, servers), hear=hear)

    @contextmanager
    def variables_written(self, servers: Servers) -> Iterator[None]:
        """Have a file with what commands need while the block runs."""
        file = self.settings.local_data / environment.ENV_FILE
        environment.write(file, self._decided(servers), self.addresses, self.credentials)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def _decided(self, servers: Servers) -> dict[str, str]:
        return environment.of_services(self.settings, self.addresses, servers, self.credentials, data=self.data)
