"""Puts the token service together: the only place that knows which parts are real."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts import Accounts
from wxbus.admin import Check, build_admin, listening
from wxbus.api.http import WeChatHttp
from wxbus.rpc import Server
from wxbus.rpc.amqp import AmqpServer
from wxbus.rpc.http import build_http
from wxbus.rpc.keys import ApiKeys
from wxbus.rpc.limit import Limit
from wxbus.store.store import Store
from wxbus_token.authority import Authority
from wxbus_token.credentials import credentials_of
from wxbus_token.keeper import Timing
from wxbus_token.keyring import Keyring
from wxbus_token.metrics import Metrics
from wxbus_token.service import TokenService
from wxbus_token.settings import TokenSettings
from wxbus_token.vault import Vault

log = structlog.get_logger("wxbus.token")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the service listens."""

    port: int
    admin_port: int


@asynccontextmanager
async def serving(settings: TokenSettings, *, registry: CollectorRegistry = REGISTRY) -> AsyncIterator[Addresses]:
    """Serve while the block runs; Redis and WeChat may come later than we.

    Raises:
        ConfigurationError: The accounts, the API keys or the vault keys are wrong.
    """
    accounts = Accounts.read(settings.accounts.accounts_file)
    api_keys = ApiKeys.read(settings.api_keys_file)
    keyring = Keyring.parse(settings.vault_keys.get_secret_value())
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            Store.open(settings.store.redis_url.get_secret_value(), name="wxbus-token")
        )
        http = await stack.enter_async_context(
            WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout)
        )
        vault = Vault(store, keyring, namespace=settings.store.namespace)
        credentials = [credential for account in accounts for credential in credentials_of(account, http)]
        timing = Timing(lease=settings.lease, margin=settings.margin, patience=settings.patience)
        authority = Authority(vault, credentials, timing, Metrics(registry))
        stack.push_async_callback(authority.aclose, grace=settings.wechat.wechat_api_timeout)
        polling = asyncio.create_task(authority.run())
        stack.push_async_callback(asyncio.wait, [polling])
        stack.callback(polling.cancel)

        limit = Limit(settings.rate_limit) if settings.rate_limit else None
        server = Server([TokenService(authority)], authenticator=api_keys, limit=limit, registry=registry)
        checks: Mapping[str, Check] = {"redis": vault.check}
        admin_port = await stack.enter_async_context(
            listening(build_admin(checks, registry=registry), host=settings.admin_host, port=settings.admin_port)
        )
        served = build_http(server, title="wxbus token service")
        port = await stack.enter_async_context(listening(served, host=settings.host, port=settings.port))
        if settings.calls.amqp_url is not None:
            # No part of readiness: with RabbitMQ away, calls over HTTP are served as ever.
            url = settings.calls.amqp_url.get_secret_value()
            await stack.enter_async_context(AmqpServer.open(server, url, settings.calls.topology, name="wxbus-token"))
        log.info("token.serving", port=port, admin_port=admin_port, accounts=len(credentials), keys=len(api_keys))
        yield Addresses(port, admin_port)
