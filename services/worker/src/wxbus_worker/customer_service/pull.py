"""Pulls messages of WeChat Customer Service into the lanes of their customers (WeCom reference 7.1).

The push names only the account. Its lane is that of the account, so one worker at a time pulls an account. The cursor
moves only after RabbitMQ has confirmed everything before it, so nothing is lost; a message that is published again
after a crash has the same dedup id, so nothing is handled twice.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from wxbus.api.client import WeChatClient
from wxbus.api.endpoints.wecom.kf import Page
from wxbus.api.wecom.client import WeComClient
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Inbox
from wxbus.errcodes import Policy
from wxbus.errors import MalformedCallback, Reject, RetryLater, WeChatError
from wxbus.wechat import KfPushEvent
from wxbus.wechat.documents.codec import document_from_json, document_to_json
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of

TOKEN_EXPIRED: Final = 95007
PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""
PARALLEL: Final = 32
"""Lanes that are published to at once."""
LATER: Final = frozenset({Policy.REFRESH, Policy.BACKOFF, Policy.WAIT})

log = structlog.stdlib.get_logger(__name__)


class Cursors(Protocol):
    """Stores how far each account has been read: `wxbus_worker.store.kf_cursors.KfCursors`."""

    async def get(self, appid: str, open_kfid: str) -> str:
        """Return the cursor, "" before the first page."""
        ...

    async def advance(self, appid: str, open_kfid: str, cursor: str, next_cursor: str) -> bool:
        """Move the cursor; return False if another worker has moved it."""
        ...


class CustomerServicePuller:
    """Pulls the messages that pushes announce."""

    def __init__(self, client_of: Callable[[str], WeChatClient], inbox: Inbox, cursors: Cursors) -> None:
        """`client_of` returns the client for an appid."""
        self._client_of = client_of
        self._inbox = inbox
        self._cursors = cursors
        self._begun: dict[tuple[str, str], float] = {}
        """By account, `time.monotonic()` at which its last complete pull began."""

    async def __call__(self, push: Envelope, event: KfPushEvent, *, arrived: float) -> None:
        """Publish all new messages of the account; `arrived` is `time.monotonic()` of the push's arrival.

        Raises:
            Unavailable: WeCom, the token service or RabbitMQ is unavailable; the next attempt goes on.
            RetryLater: WeCom asks to wait.
            WeChatError: WeCom refuses.
        """
        account = (push.appid, event.open_kf_id)
        if self._begun.get(account, -1.0) > arrived:  # pushes come in bursts: one pull serves all pushes that waited
            return
        begun, count, more = time.monotonic(), 0, True
        token: str | None = event.token
        while more:
            cursor = await self._cursors.get(*account)
            page, token = await self._page(*account, cursor, token)
            await self._publish(_envelopes(push, event.open_kf_id, page.items))
            count += len(page.items)
            more = page.has_more
            if page.next_cursor in {"", cursor}:
                break
            if not await self._cursors.advance(*account, cursor, page.next_cursor):
                log.info("kf.pulled_elsewhere", open_kfid=event.open_kf_id)
                return
        self._begun[account] = begun
        log.info("kf.pulled", open_kfid=event.open_kf_id, messages=count)

    async def _page(self, appid: str, open_kfid: str, cursor: str, token: str | None) -> tuple[Page, str | None]:
        """Return a page, and the token for the next one: None once it has expired."""
        client = self._client_of(appid)
        if not isinstance(client, WeComClient):
            raise Reject("only accounts of WeCom have customer service")
        try:
            try:
                return await client.kf.sync(open_kfid, cursor=cursor or None, token=token or None), token
            except WeChatError as exc:
                if exc.errcode != TOKEN_EXPIRED or not token:
                    raise
                log.info("kf.token_expired", open_kfid=open_kfid)
            return await client.kf.sync(open_kfid, cursor=cursor or None), None
        except WeChatError as exc:
            if exc.policy not in LATER:
                raise
            wait = exc.retry_after
            raise RetryLater(str(exc), after=None if wait is None else timedelta(seconds=wait)) from exc

    async def _publish(self, envelopes: Iterable[Envelope]) -> None:
        """Publish all of them, those of one lane one after another."""
        lanes: dict[str, list[Envelope]] = {}
        for envelope in envelopes:
            lanes.setdefault(envelope.lane, []).append(envelope)
        free = asyncio.Semaphore(PARALLEL)

        async def publish(lane: list[Envelope]) -> None:
            async with free:
                for envelope in lane:
                    await self._inbox.publish(envelope, budget=PUBLISH_BUDGET)

        results = await asyncio.gather(*map(publish, lanes.values()), return_exceptions=True)
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure


def _envelopes(push: Envelope, open_kfid: str, items: Iterable[dict[str, Any]]) -> Iterable[Envelope]:
    for item in items:
        # Events name the account inside of `event`.
        body = json.dumps({"open_kfid": open_kfid, **item}, ensure_ascii=False).encode()
        try:
            document = document_from_json(body)
            body = document_to_json(document)
        except MalformedCallback:  # its own lane dead-letters it, and the other lanes continue
            names = ("msgid", "external_userid")
            document = {"open_kfid": open_kfid, **{name: str(item.get(name, "")) for name in names}}
        yield replace(
            push.without_reply_to(),
            id=new_id(),
            kind=EnvelopeKind.CALLBACK,
            openid=openid_of(document),
            lane=lane_of(push.appid, document),
            dedup_id=dedup_id(push.appid, document),
            body=body,
            attempt=1,
            replay=False,
        )
