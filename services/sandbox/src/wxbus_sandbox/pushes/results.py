"""Events with the results of API calls; WeChat may push one before the answer to its call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import ConfigurationError
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.models import SendRequest
from wxbus_sandbox.pushes.composer import Composer, Push
from wxbus_sandbox.pushes.pusher import Pusher
from wxbus_sandbox.state import Sandbox

CONCURRENT: Final = 50
"""Pushes at a time."""
SYSTEM: Final = "oSandboxSystem00000000000001"
"""The sender of events that concern no user."""

log = structlog.get_logger(__name__)


class ResultEvents:
    """Pushes events while the calls that caused them go on."""

    def __init__(self, sandbox: Sandbox, composer: Composer, pusher: Pusher) -> None:
        self._sandbox = sandbox
        self._composer = composer
        self._pusher = pusher
        self._tasks: set[asyncio.Task[None]] = set()
        self._limit = asyncio.Semaphore(CONCURRENT)

    @classmethod
    @asynccontextmanager
    async def open(cls, sandbox: Sandbox, composer: Composer, pusher: Pusher) -> AsyncIterator["ResultEvents"]:
        """Yield the object; its pushes are cancelled at the end of the block."""
        results = cls(sandbox, composer, pusher)
        try:
            yield results
        finally:
            for task in results._tasks:
                task.cancel()
            await asyncio.gather(*results._tasks, return_exceptions=True)

    def push(
        self,
        account: Account,
        event: str,
        fields: Push,
        *,
        openid: str = SYSTEM,
        wrapper: str = "",
        before: Callable[[], None] | None = None,
    ) -> None:
        """Push an event after `Rules.result_delay`.

        Args:
            account: The account that made the call.
            event: `Event`; `InfoType` for a third-party platform.
            fields: The fields of the event.
            openid: The user.
            wrapper: The element around the fields in XML.
            before: Called just before the push, to finish the work.
        """
        task = asyncio.create_task(self._push(account, event, fields, openid, wrapper, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _push(
        self,
        account: Account,
        event: str,
        fields: Push,
        openid: str,
        wrapper: str,
        before: Callable[[], None] | None,
    ) -> None:
        await asyncio.sleep(self._sandbox.rules.result_delay)
        if before is not None:
            before()
        platform = self._sandbox.accounts.named(account.component) if account.component else None
        form = Format((platform or account).formats[0])
        if wrapper and form is Format.XML:
            fields = {wrapper: fields}
        if account.kind is AccountKind.COMPONENT:
            request = SendRequest(account=account.name, type=event, fields=fields)
        else:
            request = SendRequest(account=account.name, openid=openid, type="event", event=event, fields=fields)
        push, mode = self._composer.compose(account, request), (platform or account).modes[0]
        try:
            async with self._limit:
                await self._pusher.push(account, push, mode, form, platform=platform)
        except ConfigurationError as exc:  # the account has no key
            log.warning("sandbox.result_not_pushed", account=account.name, event_name=event, reason=str(exc))


RESULTS: Final = web.AppKey("results", ResultEvents)
