"""Opens the worker's connections. Only `app` and this module choose adapters."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import is_wechat, reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import Account, AccountKind
from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.api.limits import WECOM, ApiLimits
from wxbus.api.tokens import TokenSource
from wxbus.api.wecom.client import NEXT_MINUTE, WeComClient
from wxbus.bus.consumer import consumer_name
from wxbus.bus.management import Management
from wxbus.bus.publisher import Publisher
from wxbus.errors import ConfigurationError, UnknownAccount
from wxbus.rpc import Client
from wxbus.store.generation import Generation
from wxbus.store.store import Store
from wxbus.tokens import TokenClient
from wxbus.tokens.client import TIMEOUT
from wxbus.tokens.component import ComponentClient
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.intake.accounts import AccountFinder
from wxbus_worker.intake.intake import Intake
from wxbus_worker.overflow.redis import RedisOverflow
from wxbus_worker.partitions.rebalancer import CloseConnections
from wxbus_worker.settings import WorkerSettings
from wxbus_worker.store.api_limits import RedisApiLimits
from wxbus_worker.store.broadcasts import Broadcasts
from wxbus_worker.store.cache import LaneCache
from wxbus_worker.store.pending_replies import RedisPendingReplies
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.retrying import RetryingStore
from wxbus_worker.store.schedule import Schedule

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """The adapters of one worker, with open connections."""

    name: str
    """Unique among all processes, and different after each restart of a container."""
    accounts: AccountsFile
    publisher: Publisher
    client_of: Callable[[str], WeChatClient]
    tokens: TokenClient
    platform: ComponentClient
    store: Store
    retrying: RetryingStore
    generation: Generation
    cache: LaneCache
    contexts: RedisContextStore
    pending: RedisPendingReplies
    schedule: Schedule
    intake: Intake
    broadcasts: Broadcasts
    overflow: RedisOverflow


def load_accounts(settings: WorkerSettings, registry: CollectorRegistry) -> AccountsFile:
    """Return the accounts.

    Raises:
        ConfigurationError: The file cannot be used, or a demo secret would protect a real account.
    """
    accounts = AccountsFile(settings.accounts.accounts_file, registry=registry)
    has_wecom = any(account.kind is AccountKind.WECOM for account in accounts.current)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url, *([settings.wechat.wecom_api_url] if has_wecom else [])],
        urls={
            "WXBUS_AMQP_URL": settings.bus.amqp_url.get_secret_value(),
            "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value(),
        },
        values={"WXBUS_WORKER_TOKEN_API_KEY": settings.token_api_key.get_secret_value()},
        accounts=accounts.current,
    )
    if settings.trace_contexts and any(map(is_wechat, (settings.wechat.wechat_api_url, settings.wechat.wecom_api_url))):
        raise ConfigurationError(
            "WXBUS_WORKER_TRACE_CONTEXTS puts what users wrote into traces: it is for the sandbox, not for WeChat's API"
        )
    accounts.require(Accounts.check_replies)
    return accounts


@asynccontextmanager
async def open_adapters(
    settings: WorkerSettings, accounts: AccountsFile, policy: ContextPolicy
) -> AsyncIterator[Adapters]:
    """Yield the adapters, and close their connections afterwards."""
    name = f"worker@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    namespace, lease = settings.store.namespace, settings.send_lease
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(accounts.watching())
        store = await enter(Store.open(settings.store.redis_url.get_secret_value(), name=name))
        wechat = await enter(WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout))
        wecom = await enter(WeChatHttp.open(settings.wechat.wecom_api_url, settings.wechat.wechat_api_timeout))
        tokens, platform = await enter(_token_service(settings))
        amqp_url = settings.bus.amqp_url.get_secret_value()
        publisher = await enter(Publisher.open(amqp_url, settings.bus.topology, name=name))
        generation = Generation(store, namespace=namespace)
        retrying = RetryingStore(store, generation)
        cache = LaneCache(max_bytes=settings.context_cache_mib * MIB)
        schedule = Schedule(retrying, namespace=namespace)
        account_of = partial(_name_of, accounts=accounts)
        limits = RedisApiLimits(store, namespace=namespace, limits=settings.limits, account_of=account_of)
        wecom_limits = RedisApiLimits(
            store,
            namespace=namespace,
            table=WECOM,
            limits={name: limit for name, limit in settings.limits.items() if " " in name},
            account_of=account_of,
            counted_as=partial(_corp_of, accounts=accounts),
            closed_seconds=NEXT_MINUTE,
        )
        yield Adapters(
            name=name,
            accounts=accounts,
            publisher=publisher,
            client_of=partial(
                _client_of,
                accounts=accounts,
                wechat=wechat,
                wecom=wecom,
                tokens=tokens,
                limits=limits,
                wecom_limits=wecom_limits,
            ),
            tokens=tokens,
            platform=platform,
            store=store,
            retrying=retrying,
            generation=generation,
            cache=cache,
            contexts=RedisContextStore(retrying, namespace=namespace, policy=policy, lease=lease, cache=cache),
            pending=RedisPendingReplies(retrying, namespace=namespace, lease=lease),
            schedule=schedule,
            intake=Intake(AccountFinder(lambda: accounts.current), publisher, schedule),
            broadcasts=Broadcasts(retrying, namespace=namespace),
            overflow=RedisOverflow(retrying, namespace=namespace, max_bytes=settings.overflow_mib * MIB),
        )


def _client_of(
    appid: str,
    *,
    accounts: AccountsFile,
    wechat: WeChatHttp,
    wecom: WeChatHttp,
    tokens: TokenSource,
    limits: ApiLimits,
    wecom_limits: ApiLimits,
) -> WeChatClient:
    """Return the client of an account: a `WeComClient` for applications of WeCom and customers of suites."""
    account = _owner_of(appid, accounts)
    if account is not None and account.kind is AccountKind.WECOM:
        return WeComClient(appid, wecom, tokens, agent_id=account.agent_id, limits=wecom_limits)
    return WeChatClient(appid, wechat, tokens, limits=limits)


def _owner_of(appid: str, accounts: AccountsFile) -> Account | None:
    """Return the account, None if it was removed from the file, or the file has several platforms or suites."""
    try:
        return accounts.current.owner_of(appid)
    except UnknownAccount:
        return None


def _name_of(appid: str, *, accounts: AccountsFile) -> str:
    account = _owner_of(appid, accounts)
    return appid if account is None else account.name


def _corp_of(appid: str, *, accounts: AccountsFile) -> str:
    """Return the corp of an application: WeCom counts the calls of all its applications together."""
    account = _owner_of(appid, accounts)
    if account is None or account.provider_corpid is not None:  # the customers of a suite are corps
        return appid
    return account.effective_receive_id or appid


@asynccontextmanager
async def _token_service(settings: WorkerSettings) -> AsyncIterator[tuple[TokenClient, ComponentClient]]:
    """Yield the clients of the token service, on shared connections."""
    url, key = settings.token_url, settings.token_api_key.get_secret_value()
    async with Client.open(url, key, timeout=TIMEOUT, topology=settings.bus.topology) as client:
        tokens = TokenClient(client)
        try:
            yield tokens, ComponentClient(client)
        finally:
            await tokens.aclose()


@asynccontextmanager
async def connection_closer(settings: WorkerSettings) -> AsyncIterator[CloseConnections | None]:
    """Yield a function that closes a frozen worker's connections, None without RabbitMQ's management API."""
    url = settings.bus.amqp_management_url
    if url is None:
        yield None
        return
    async with Management.open(url.get_secret_value(), amqp_url=settings.bus.amqp_url.get_secret_value()) as management:

        async def close_connections(member: str) -> int:
            return await management.close_connections(consumer_name(member), reason="its lease has lapsed")

        yield close_connections
