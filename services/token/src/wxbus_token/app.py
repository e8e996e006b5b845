"""Composes the token service."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import AccountKind
from wxbus.aio.background import background, repeat
from wxbus.aio.ticks import until_tick
from wxbus.api.http import WeChatHttp
from wxbus.config.watched_file import WatchedFile
from wxbus.errors import StoreUnavailable
from wxbus.rpc import Server
from wxbus.rpc.auth.keys import KeyEntry, read_entries
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.service.rate_limit import RateLimit
from wxbus.rpc.transports.amqp import AmqpServer
from wxbus.rpc.transports.http import build_http
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.watchdog import watched_loop
from wxbus.store.generation import Generation, Losses
from wxbus.store.keyring import Keyring
from wxbus.store.store import ANSWER_TIMEOUT, Store
from wxbus_token.api.admin import AccountsService, KeysService
from wxbus_token.api.login import LoginServicer
from wxbus_token.api.operations import TokenOperations
from wxbus_token.api.quota import QuotaServicer
from wxbus_token.api.token import TokenServicer
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.directory import CredentialDirectory, ManagedTokens
from wxbus_token.credentials.fetcher import Fetcher
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.platform_upkeep import PlatformUpkeep
from wxbus_token.credentials.platforms import Platforms
from wxbus_token.credentials.refresh_loop import RefreshLoop
from wxbus_token.credentials.reports import Reports
from wxbus_token.credentials.storage.grants import GrantStore
from wxbus_token.credentials.storage.quota import Quota
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.credentials.storeless import StorelessFetcher
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import COMPONENT_ACCESS_TOKEN, Sources, credentials_of
from wxbus_token.metrics import Metrics
from wxbus_token.registry.accounts import AccountRegistry
from wxbus_token.registry.api_keys import ApiKeyRegistry
from wxbus_token.registry.entries import EntryStore
from wxbus_token.registry.key_usage import KeyUsage
from wxbus_token.registry.models import RegisteredAccount, RegisteredKey
from wxbus_token.registry.notifications import Notifications, Subscription
from wxbus_token.settings import TokenSettings

log = structlog.get_logger("wxbus.token")

POLL_INTERVAL: Final = 1.0
"""Seconds between two readings of the registries, and of all records."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The ports on which the service listens."""

    port: int
    admin_port: int


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The parts that keep credentials valid."""

    store: CredentialStore
    grants: GrantStore
    quota: Quota
    authority: Authority
    reports: Reports

    @classmethod
    def build(
        cls, settings: TokenSettings, store: Store, keyring: Keyring, registry: CollectorRegistry
    ) -> "_Credentials":
        namespace, clock = settings.store.namespace, time.monotonic
        metrics = Metrics(registry)
        credential_store = CredentialStore(store, keyring, namespace=namespace)
        grants = GrantStore(store, keyring, credential_store, namespace=namespace)
        quota = Quota(
            store, namespace=namespace, per_minute=settings.requests_per_minute, per_day=settings.requests_per_day
        )
        fetcher = Fetcher(credential_store, grants, quota, metrics, refresh_margin=settings.refresh_margin, clock=clock)
        storeless = StorelessFetcher(quota, metrics, allowed=settings.refresh_without_store, clock=clock)
        timing = Timing(lease=settings.lease, wait_timeout=settings.wait_timeout)
        authority = Authority(
            credential_store,
            lambda credential: CredentialManager(credential, credential_store, fetcher, storeless, timing, clock=clock),
        )
        return cls(credential_store, grants, quota, authority, Reports(credential_store, metrics, clock=clock))


@asynccontextmanager
async def serving(
    settings: TokenSettings, *, registry: CollectorRegistry = REGISTRY, answer_timeout: float = ANSWER_TIMEOUT
) -> AsyncIterator[Addresses]:
    """Serve while the block runs; Redis and WeChat need not be reachable yet.

    `answer_timeout` is seconds for a connection to Redis and for one answer.

    Raises:
        ConfigurationError: The accounts, the API keys or the encryption keys are wrong, or a demo secret would
            protect a real account.
    """
    keyring = Keyring.parse(settings.encryption_keys.get_secret_value())
    keys_file = WatchedFile(settings.api_keys_file, read_entries, name="api_keys", registry=registry)
    accounts_file = AccountsFile(settings.accounts.accounts_file, registry=registry)
    amqp_url = settings.calls.amqp_url.get_secret_value() if settings.calls.amqp_url else ""
    _reject_demo_secrets(settings, amqp_url, accounts_file.current, keys_file.current)
    namespace = settings.store.namespace
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(watched_loop(registry=registry))
        redis_url = settings.store.redis_url.get_secret_value()
        store = await enter(Store.open(redis_url, name="wxbus-token", answer_timeout=answer_timeout))
        wechat = await enter(WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout))
        wecom = await enter(WeChatHttp.open(settings.wechat.wecom_api_url, settings.wechat.wechat_api_timeout))
        credentials = _Credentials.build(settings, store, keyring, registry)
        authority, reports = credentials.authority, credentials.reports
        stack.push_async_callback(_close, reports, authority, grace=settings.wechat.wechat_api_timeout)
        sources = Sources(wechat, wecom, lambda kind: ManagedTokens(authority, reports, kind))
        directory = CredentialDirectory(authority, credentials.grants, sources)
        platforms = Platforms(store, credentials.grants, authority, sources, namespace=namespace)

        account_entries = EntryStore(store, keyring, RegisteredAccount, namespace=namespace, name="accounts")
        accounts = AccountRegistry(
            accounts_file, account_entries, lambda account: credentials.store.delete(credentials_of(account, sources))
        )
        accounts.on_change(
            lambda known: authority.configure(each for account in known for each in credentials_of(account, sources))
        )
        key_entries = EntryStore(store, keyring, RegisteredKey, namespace=namespace, name="keys")
        key_usage = KeyUsage(store, namespace=namespace, now=key_entries.now)
        api_keys = ApiKeyRegistry(keys_file, key_entries, key_usage)

        losses = Losses(store, namespace=namespace, registry=registry)
        generation = Generation(store, namespace=namespace, losses=losses)
        notifications = Notifications(store, namespace=namespace)
        refresh_loop = RefreshLoop(authority, credentials.store, poll_interval=POLL_INTERVAL)
        steps = [account_entries.read, key_entries.read, key_usage.write]
        await enter(accounts_file.watching(keys_file))
        await enter(background(notifications.run()))
        await enter(background(_follow_registries(steps, notifications.subscribe())))
        await enter(background(refresh_loop.run(notifications.subscribe())))
        await enter(background(PlatformUpkeep(platforms, lambda: accounts.current).run()))
        await enter(background(repeat(generation.check, name="data losses", pause=lambda: until_tick(POLL_INTERVAL))))

        limit = RateLimit(settings.rate_limit) if settings.rate_limit else None
        services = [
            TokenServicer(directory, reports),
            TokenOperations(authority, directory, credentials.store, credentials.quota, losses),
            LoginServicer(wechat, lambda: accounts.current, credentials.grants, sources.tokens(COMPONENT_ACCESS_TOKEN)),
            QuotaServicer(wechat, lambda: accounts.current, credentials.grants),
            platforms,
            AccountsService(accounts),
            KeysService(api_keys),
        ]
        server = Server(
            services, access=ApiKeyAccess(api_keys, limit=limit), registry=registry, unlogged=settings.unlogged_methods
        )
        informational = {
            "redis": credentials.store.check,
            "values": authority.check_values,
            "accounts": accounts_file.check,
            "api_keys": keys_file.check,
        }
        admin = build_admin({"tokens": authority.check}, informational=informational, registry=registry)
        admin_port = await enter(listening(admin, host=settings.admin_host, port=settings.admin_port))
        served = build_http(server, title="wxbus token service")
        port = await enter(listening(served, host=settings.host, port=settings.port, tls=settings.tls))
        if amqp_url:
            # Not part of readiness: while RabbitMQ is unavailable, calls over HTTP are served.
            await enter(AmqpServer.open(server, amqp_url, settings.calls.topology, name="wxbus-token"))
        log.info("token.serving", port=port, admin_port=admin_port, accounts=len(accounts.current), keys=len(api_keys))
        yield Addresses(port, admin_port)


async def _follow_registries(steps: Sequence[Callable[[], Awaitable[None]]], subscription: Subscription) -> None:
    """Run `steps` after each interval, and at once when another instance announces a change."""
    while True:
        try:
            for step in steps:
                await step()
        except StoreUnavailable as exc:  # the refresh loop logs it once
            log.debug("token.registries_not_read", reason=str(exc))
        except Exception:
            # One faulty entry must not end the reading of all others.
            log.exception("token.registries_failed")
        await subscription.names(until_tick(POLL_INTERVAL))


async def _close(reports: Reports, authority: Authority, *, grace: float) -> None:
    """Give fetches under way `grace` seconds: WeChat may have issued a token that only this process knows."""
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await reports.drain()
            await authority.drain()
    await reports.aclose()
    await authority.aclose()


def _reject_demo_secrets(settings: TokenSettings, amqp_url: str, accounts: Accounts, keys: Sequence[KeyEntry]) -> None:
    """Refuse demo secrets for real accounts; see `wxbus.accounts.demo_secrets`."""
    has_wecom = any(account.kind is AccountKind.WECOM for account in accounts)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url, *([settings.wechat.wecom_api_url] if has_wecom else [])],
        urls={"WXBUS_AMQP_URL": amqp_url, "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value()},
        values={
            "WXBUS_TOKEN_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
            "WXBUS_TOKEN_API_KEYS_FILE": ",".join(entry.sha256 or "" for entry in keys),
        },
        accounts=accounts,
    )
