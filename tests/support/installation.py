"""A complete installation for one test: accounts, keys, and the services as processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import Service, serving
from wxbus.bus.topology import Topology
from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key
from wxbus_local.processes.run import Run
from wxbus_local.servers.ports import free_port

ACCOUNT = "shop"
APPID = "wxfa0173f1a2b3c4d5"
MINI_PROGRAM = "mini"
MINI_PROGRAM_APPID = f"{APPID}m"

ACCOUNTS = """
[accounts.shop]
appid = "{appid}"
kind = "official_account"
token = "{token}"
aes_key = "{aes_key}"
secret = "{secret}"

[accounts.mini]
appid = "{mini_program}"
kind = "mini_program"
token = "{token}"
aes_key = "{aes_key}"
secret = "{secret}"
"""


@dataclass(frozen=True)
class Credentials:
    """Secrets, different in every test, that a search finds only if they leak."""

    token: str
    aes_key: str
    secret: str
    encryption_key: str
    api_key: str
    api_key_entry: str
    """The entry of the API key in the token service's file."""

    @classmethod
    def new(cls) -> "Credentials":
        """Return new credentials."""
        key, entry = new_key("worker", ["token:get:*", "token:report_invalid:*", "component:*:*", "login:exchange:*"])
        return cls(
            token=f"console{secrets.token_hex(8)}",
            aes_key=f"AesKey{secrets.token_hex(18)}Q",
            secret=secrets.token_hex(16),
            encryption_key=new_encryption_key("test"),
            api_key=key,
            api_key_entry=entry.as_toml(),
        )


class Installation:
    """Starts services, and ends them at its own end."""

    def __init__(
        self,
        run: Run,
        stack: AsyncExitStack,
        folder: Path,
        topology: Topology,
        credentials: Credentials,
        env: Mapping[str, str],
    ) -> None:
        """Use `open`."""
        self.topology = topology
        self.credentials = credentials
        self.folder = folder
        self.services: dict[str, Service] = {}
        self._run = run
        self._stack = stack
        self._env = env
        self.ingress_port, self.token_port, self.sandbox_port = free_port(), free_port(), free_port()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, run: Run, folder: Path, *, amqp_url: str, redis_url: str, topology: Topology, **env: str
    ) -> AsyncIterator["Installation"]:
        """Yield an installation on these servers without services; `env` is for all services."""
        credentials = Credentials.new()
        texts = {
            "appid": APPID,
            "mini_program": MINI_PROGRAM_APPID,
            "token": credentials.token,
            "aes_key": credentials.aes_key,
        }
        (folder / "accounts.toml").write_text(ACCOUNTS.format(secret=credentials.secret, **texts), encoding="utf-8")
        (folder / "keys.toml").write_text(credentials.api_key_entry, encoding="utf-8")
        common = {
            "WXBUS_AMQP_URL": amqp_url,
            "WXBUS_REDIS_URL": redis_url,
            "WXBUS_NAMESPACE": topology.namespace,
            "WXBUS_PARTITIONS": str(topology.partitions),
            "WXBUS_ACCOUNTS_FILE": str(folder / "accounts.toml"),
            "WXBUS_INGRESS_SPOOL_DIR": str(folder / "spool"),
            **env,
        }
        async with AsyncExitStack() as stack:
            installation = cls(run, stack, folder, topology, credentials, common)
            try:
                yield installation
            finally:
                await asyncio.gather(*(service.end() for service in installation.services.values()))

    @property
    def sandbox_url(self) -> str:
        """Return the sandbox's address."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def describe(
        self, name: str, *module: str, port: int, admin_port: int | None = None, env: Mapping[str, str]
    ) -> Service:
        """Return a service of this installation without starting it; `module` may have arguments."""
        ready = f"http://127.0.0.1:{admin_port}/readyz" if admin_port else None
        arguments = ["-m", *module]
        addresses = {"WXBUS_WECHAT_API_URL": self.sandbox_url, "WXBUS_WECOM_API_URL": f"{self.sandbox_url}/wecom"}
        all_env = {**self._env, **addresses, **env}
        return Service(self._run, name, arguments, port=port, folder=self.folder, env=all_env, ready=ready)

    async def ingress(self, name: str = "ingress", **env: str) -> Service:
        """Start an ingress."""
        admin_port = free_port()
        ports = {"WXBUS_INGRESS_PORT": str(self.ingress_port), "WXBUS_INGRESS_ADMIN_PORT": str(admin_port)}
        env = {"WXBUS_INGRESS_HOST": "127.0.0.1", **ports, **env}
        return await self._enter(
            self.describe(name, "wxbus_ingress", port=self.ingress_port, admin_port=admin_port, env=env)
        )

    async def token(self, **env: str) -> Service:
        """Start a token service."""
        admin_port = free_port()
        env = {
            "WXBUS_TOKEN_PORT": str(self.token_port),
            "WXBUS_TOKEN_ADMIN_PORT": str(admin_port),
            "WXBUS_TOKEN_ENCRYPTION_KEYS": self.credentials.encryption_key,
            "WXBUS_TOKEN_API_KEYS_FILE": str(self.folder / "keys.toml"),
            **env,
        }
        return await self._enter(
            self.describe("token", "wxbus_token", port=self.token_port, admin_port=admin_port, env=env)
        )

    async def worker(self, app: str, name: str = "worker", *, processes: int = 1, **env: str) -> Service:
        """Start a worker with the router `app`, and wait until its first process is ready."""
        admin_port = free_port(count=processes)
        env = {
            "WXBUS_WORKER_APP": app,
            "WXBUS_WORKER_TOKEN_URL": f"http://127.0.0.1:{self.token_port}",
            "WXBUS_WORKER_TOKEN_API_KEY": self.credentials.api_key,
            "WXBUS_WORKER_ADMIN_PORT": str(admin_port),
            **env,
        }
        command = ("wxbus_worker", "--processes", str(processes))
        return await self._enter(self.describe(name, *command, port=admin_port, admin_port=admin_port, env=env))

    async def gateway(self, name: str = "gateway", **env: str) -> Service:
        """Start a gateway; all of them share the encryption key and the database."""
        port, admin_port = free_port(), free_port()
        env = {
            "WXBUS_GATEWAY_PORT": str(port),
            "WXBUS_GATEWAY_ADMIN_PORT": str(admin_port),
            "WXBUS_GATEWAY_DATABASE_URL": f"sqlite:///{self.folder}/gateway.db",
            "WXBUS_GATEWAY_ENCRYPTION_KEYS": self.credentials.encryption_key,
            "WXBUS_GATEWAY_TOKEN_URL": f"http://127.0.0.1:{self.token_port}",
            "WXBUS_GATEWAY_TOKEN_API_KEY": self.credentials.api_key,
            **env,
        }
        return await self._enter(self.describe(name, "wxbus_gateway", port=port, admin_port=admin_port, env=env))

    async def workers(self, app: str, *names: str, **env: Any) -> list[Service]:
        """Start workers with the router `app`, the token service, and a sandbox without message windows."""
        await self.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        async with asyncio.TaskGroup() as group:
            group.create_task(self.token())
            starting = [group.create_task(self.worker(app, name, **env)) for name in names]
        return [task.result() for task in starting]

    async def sandbox(self, **env: str) -> Service:
        """Start a sandbox."""
        env = {
            "WXBUS_SANDBOX_PORT": str(self.sandbox_port),
            "WXBUS_SANDBOX_INGRESS_URL": f"http://127.0.0.1:{self.ingress_port}",
            **env,
        }
        return await self._enter(self.describe("sandbox", "wxbus_sandbox", port=self.sandbox_port, env=env))

    async def _enter(self, service: Service) -> Service:
        self.services[service.name] = service
        return await self._stack.enter_async_context(serving(service))
