"""Opens the contexts of the workers in other programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wxbus.store.store import ANSWER_TIMEOUT, Store
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.handlers.base_router import Includable, router_of
from wxbus_worker.store.redis import RedisContextStore


@asynccontextmanager
async def open_contexts(
    redis_url: str,
    handlers: Includable | None = None,
    *,
    namespace: str = "wxbus",
    answer_timeout: float = ANSWER_TIMEOUT,
) -> AsyncIterator[Contexts]:
    """Yield the contexts of the workers that use this Redis.

    Args:
        redis_url: Their `WXBUS_REDIS_URL`.
        handlers: The router that they run, for its storage model; without it the storage is a dict.
        namespace: Their `WXBUS_NAMESPACE`.
        answer_timeout: Seconds for a connection to Redis and for one answer.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    policy = ContextPolicy() if handlers is None else router_of(handlers).context_policy
    async with Store.open(redis_url, name="contexts", answer_timeout=answer_timeout) as store:
        yield RedisContextStore(store, namespace=namespace, policy=policy)
