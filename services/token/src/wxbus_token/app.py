"""Puts the token service together: the only place that knows which parts are real."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import AccountKind
from wxbus.aio.background import background, repeat
from wxbus.api.http import WeChatHttp
from wxbus.config.watched_file import WatchedFile
from wxbus.errors import StoreUnavailable
from wxbus.rpc import Server
from wxbus.rpc.auth.keys import KeyEntry, read_entries
from wxbus.rpc.service.rate_limit import RateLimit
from wxbus.rpc.transports.amqp import AmqpServer
from wxbus.rpc.transports.http import build_http
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.watchdog import watched_loop
from wxbus.store.generation import Generation, Losses
from wxbus.store.store import Store
from wxbus_token.api.admin import AccountsService, KeysService
from wxbus_token.api.component import ComponentServicer
from wxbus_token.api.operations import TokenOperations
from wxbus_token.api.token import TokenServicer
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.platforms import Platforms
from wxbus_token.credentials.quota import Quota
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Sources, credentials_of
from wxbus_token.metrics import Metrics
from wxbus_token.registry.accounts import AccountRegistry
from wxbus_token.registry.api_keys import ApiKeyRegistry, Uses
from wxbus_token.registry.keyring import Keyring
from wxbus_token.registry.models import RegisteredAccount, RegisteredKey
from wxbus_token.registry.notifications import Notifications, Subscription
from wxbus_token.registry.register import Register
from wxbus_token.settings import TokenSettings

log = structlog.get_logger("wxbus.token")

EVERY: Final = 1.0
"""Seconds between two looks at what is registered."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the service listens."""

    port: int
    admin_port: int


@asynccontextmanager
async def serving(settings: TokenSettings, *, registry: CollectorRegistry = REGISTRY) -> AsyncIterator[Addresses]:
    """Serve while the block runs; Redis and WeChat may come later than we.

    Raises:
        ConfigurationError: The accounts, the API keys or the encryption keys are wrong, or a demo secret would
            protect a real account.
    """
    keyring = Keyring.parse(settings.encryption_keys.get_secret_value())
    keys_file = WatchedFile(settings.api_keys_file, read_entries, name="api_keys", registry=registry)
    file = AccountsFile(settings.accounts.accounts_file, registry=registry)
    amqp_url = settings.calls.amqp_url.get_secret_value() if settings.calls.amqp_url else ""
    _reject_demo_secrets(settings, amqp_url, file.current, keys_file.current)
    namespace = settings.store.namespace
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(watched_loop(registry=registry))
        store = await enter(Store.open(settings.store.redis_url.get_secret_value(), name="wxbus-token"))
        wechat = await enter(WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout))
        wecom = await enter(WeChatHttp.open(settings.wecom_api_url, settings.wechat.wechat_api_timeout))
        credential_store = CredentialStore(store, keyring, namespace=namespace)
        losses = Losses(store, namespace=namespace, registry=registry)
        generation = Generation(store, namespace=namespace, losses=losses)
        timing = Timing(
            lease=settings.lease,
            refresh_margin=settings.refresh_margin,
            wait_timeout=settings.wait_timeout,
            without_store=settings.refresh_without_store,
        )
        guard = Quota(
            store, namespace=namespace, per_minute=settings.requests_per_minute, per_day=settings.requests_per_day
        )
        authority = Authority(credential_store, guard, [], timing, Metrics(registry))
        stack.push_async_callback(authority.aclose, grace=settings.wechat.wechat_api_timeout)
        sources = Sources(wechat, wecom, authority.source)

        accounts = Register(store, keyring, RegisteredAccount, namespace=namespace, name="accounts")
        book = AccountRegistry(
            file, accounts, lambda account: credential_store.forget(credentials_of(account, sources))
        )
        book.on_change(
            lambda known: authority.keep(each for account in known for each in credentials_of(account, sources))
        )
        platforms = Platforms(
            store, credential_store, authority, sources, namespace=namespace, accounts=lambda: book.current
        )
        keys = Register(store, keyring, RegisteredKey, namespace=namespace, name="keys")
        uses = Uses(store, namespace=namespace, now=keys.now)
        callers = ApiKeyRegistry(keys_file, keys, uses)

        notifications = Notifications(store, namespace=namespace)
        await enter(file.watching(keys_file))
        await enter(background(notifications.run()))
        await enter(background(follow([accounts.read, keys.read, uses.write], notifications.subscribe())))
        await enter(background(authority.run(notifications.subscribe())))
        await enter(background(platforms.run()))
        await enter(background(repeat(generation.check, name="data losses", pause=lambda: EVERY)))

        limit = RateLimit(settings.rate_limit) if settings.rate_limit else None
        operations = TokenOperations(authority, platforms, credential_store, guard, losses)
        services = [
            TokenServicer(platforms),
            operations,
            ComponentServicer(platforms),
            AccountsService(book),
            KeysService(callers),
        ]
        server = Server(
            services, authenticator=callers, limit=limit, registry=registry, unlogged=settings.unlogged_methods
        )
        informational = {
            "redis": credential_store.check,
            "values": authority.check_values,
            "accounts": file.check,
            "api_keys": keys_file.check,
        }
        admin = build_admin({"tokens": authority.check}, informational=informational, registry=registry)
        admin_port = await enter(listening(admin, host=settings.admin_host, port=settings.admin_port))
        served = build_http(server, title="wxbus token service")
        port = await enter(listening(served, host=settings.host, port=settings.port, tls=settings.tls))
        if amqp_url:
            # No part of readiness: with RabbitMQ away, calls over HTTP are served as ever.
            await enter(AmqpServer.open(server, amqp_url, settings.calls.topology, name="wxbus-token"))
        log.info("token.serving", port=port, admin_port=admin_port, accounts=len(book.current), keys=len(callers))
        yield Addresses(port, admin_port)


async def follow(reads: Sequence[Callable[[], Awaitable[None]]], subscribe: Subscription) -> None:
    """Take what others registered, again and again and at once when `subscribe` hears of it, until cancelled."""
    while True:
        try:
            for read in reads:
                await read()
        except StoreUnavailable as exc:  # the authority says so, once
            log.debug("token.not_followed", reason=str(exc))
        except Exception:
            # One bad entry must not end the reading of all others.
            log.exception("token.follow_failed")
        await subscribe.names(EVERY)


def _reject_demo_secrets(settings: TokenSettings, amqp_url: str, accounts: Accounts, keys: Sequence[KeyEntry]) -> None:
    """Refuse to protect a real account by a secret that everybody knows; see `wxbus.accounts.demo_secrets`."""
    has_wecom = any(account.kind is AccountKind.WECOM for account in accounts)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url, *([settings.wecom_api_url] if has_wecom else [])],
        urls={"WXBUS_AMQP_URL": amqp_url, "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value()},
        values={
            "WXBUS_TOKEN_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
            "WXBUS_TOKEN_API_KEYS_FILE": ",".join(entry.sha256 or "" for entry in keys),
        },
        accounts=accounts,
    )
