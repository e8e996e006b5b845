"""Composes the gateway."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import Account
from wxbus.aio.background import background, retry_while_unavailable
from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.bus.publisher import Publisher
from wxbus.errors import ConfigurationError
from wxbus.rpc import Client, Server
from wxbus.rpc.service.stages import Stage
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.watchdog import watched_loop
from wxbus.sockets.presence import Presence, RedisPresence
from wxbus.store.keyring import Keyring
from wxbus.store.store import ANSWER_TIMEOUT, Store
from wxbus.tokens import TokenClient
from wxbus.tokens.services import LoginService
from wxbus_gateway.http.cors import Cors
from wxbus_gateway.http.server import HttpApi
from wxbus_gateway.http.socket_endpoint import SocketEndpoint
from wxbus_gateway.login.login import LoginServicer
from wxbus_gateway.login.session_keys import SessionKeys
from wxbus_gateway.login.user_data import UserData
from wxbus_gateway.services.access import SessionAccess
from wxbus_gateway.services.application import Application
from wxbus_gateway.services.idempotency import Idempotency
from wxbus_gateway.services.limits import CallLimit
from wxbus_gateway.sessions.cache import SessionCache
from wxbus_gateway.sessions.changes import ProvideSessions
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.settings import GatewaySettings
from wxbus_gateway.sockets.hub import SocketHub
from wxbus_gateway.sockets.intake import SocketIntake
from wxbus_gateway.users.database import open_database, upgrade
from wxbus_gateway.users.sql import SqlUsers

DATABASE_RETRY: Final = 1.0
"""Seconds until the database is tried again at start."""
LOGIN_TIMEOUT: Final = 8.0
"""Seconds for one exchange of a login code; it is not repeated."""

CHECK_SESSIONS: Final = 300.0
"""Seconds between two checks of the sessions of open sockets."""

log = structlog.stdlib.get_logger("wxbus.gateway")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The ports on which the service listens."""

    port: int
    admin_port: int


@asynccontextmanager
async def serving(
    settings: GatewaySettings,
    application: Application,
    *,
    registry: CollectorRegistry = REGISTRY,
    answer_timeout: float = ANSWER_TIMEOUT,
) -> AsyncIterator[Addresses]:
    """Serve while the block runs; Redis, RabbitMQ, WeChat and the token service need not be reachable yet.

    It waits for the database if its tables are to be migrated. `answer_timeout`: seconds for one answer of Redis.

    Raises:
        ConfigurationError: The accounts, the keys, the database or a declaration of the application is wrong.
    """
    keyring = Keyring.parse(settings.encryption_keys.get_secret_value())
    accounts = AccountsFile(settings.accounts.accounts_file, registry=registry)
    _reject_demo_secrets(settings, accounts.current)
    namespace, api_key = settings.store.namespace, settings.token_api_key.get_secret_value()
    async with AsyncExitStack() as stack:
        stack.callback(log.info, "gateway.stopped")  # called last
        enter = stack.enter_async_context
        await enter(watched_loop(registry=registry))
        engine = await enter(open_database(settings.database_url.get_secret_value()))
        if settings.migrate:
            await retry_while_unavailable(lambda: upgrade(engine), name="tables of users", pause=DATABASE_RETRY)
        redis_url = settings.store.redis_url.get_secret_value()
        store = await enter(Store.open(redis_url, name="wxbus-gateway", answer_timeout=answer_timeout))
        http = await enter(WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout))
        rpc = await enter(Client.open(settings.token_url, api_key, timeout=LOGIN_TIMEOUT))
        tokens = await enter(TokenClient.open(settings.token_url, api_key))

        publisher = await enter(
            Publisher.open(settings.bus.amqp_url.get_secret_value(), settings.bus.topology, name="gateway")
        )
        sessions = SessionStore(store, keyring, settings.lifetime, namespace=namespace)
        hub = SocketHub(
            store,
            SocketIntake(publisher),
            namespace=namespace,
            per_user=settings.sockets_per_user,
            rate=settings.rate_limit,
            keep_open=sessions.keep_open,
            check_every=min(CHECK_SESSIONS, settings.session_idle / 3),
            registry=registry,
        )
        await enter(hub.running())

        users = SqlUsers(engine, keyring)
        cache = SessionCache(sessions, store, on_ended=hub.end_login)
        await enter(background(cache.listen()))
        await enter(accounts.watching())
        logins = LoginServicer(
            rpc.bind(LoginService), sessions, SessionKeys(store, keyring, namespace=namespace), users, UserData()
        )
        provided = await enter(application.opened({Presence: RedisPresence(store, namespace=namespace)}))
        idempotency = await enter(Idempotency.open(store, keyring, namespace=namespace, grace=settings.grace))
        limit = CallLimit(of_user=settings.rate_limit, of_address=settings.address_rate_limit)
        server = _server(
            [logins, *application.services],
            SessionAccess(cache, users, limit=limit),
            [idempotency, ProvideSessions(sessions, users), provided, *application.stages],
            registry,
        )
        admin = build_admin(
            {"redis": lambda: _ping(store), "gateway": hub.check},
            informational={"accounts": accounts.check, "rabbitmq": publisher.check},
            registry=registry,
        )
        admin_port = await enter(listening(admin, host=settings.admin_host, port=settings.admin_port))
        sockets = SocketEndpoint(hub, sessions, limit, ready=publisher.until_usable)
        api = HttpApi(
            server,
            lambda: accounts.current,
            _clients(http, tokens),
            sockets,
            trusted_proxies=settings.trusted_proxies,
            cors=Cors(settings.cors_origins),
        )
        port = await enter(listening(api.build(), host=settings.host, port=settings.port, grace=settings.grace))
        log.info("gateway.serving", port=port, admin_port=admin_port, services=sorted(server.services))
        try:
            yield Addresses(port, admin_port)
        finally:
            log.info("gateway.stopping")
            await hub.drain(settings.drain)


def _server(services: list[object], access: SessionAccess, stages: list[Stage], registry: CollectorRegistry) -> Server:
    try:
        return Server(services, access=access, stages=stages, registry=registry, public=True)
    except TypeError as exc:
        raise ConfigurationError(f"WXBUS_GATEWAY_APP: {exc}") from exc


def _clients(http: WeChatHttp, tokens: TokenClient) -> Callable[[Account], WeChatClient]:
    client = lru_cache(maxsize=1024)(lambda appid: WeChatClient(appid, http, tokens))
    return lambda account: client(account.appid)


async def _ping(store: Store) -> None:
    await store.command("PING")


def _reject_demo_secrets(settings: GatewaySettings, accounts: Accounts) -> None:
    """Refuse demo secrets for real accounts; see `wxbus.accounts.demo_secrets`."""
    reject_demo_secrets(
        [settings.wechat.wechat_api_url],
        urls={
            "WXBUS_AMQP_URL": settings.bus.amqp_url.get_secret_value(),
            "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value(),
            "WXBUS_GATEWAY_DATABASE_URL": settings.database_url.get_secret_value(),
        },
        values={
            "WXBUS_GATEWAY_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
            "WXBUS_GATEWAY_TOKEN_API_KEY": settings.token_api_key.get_secret_value(),
        },
        accounts=accounts,
    )
