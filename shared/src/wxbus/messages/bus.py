"""Sends messages to users and posts events about them, from any program.

    async with Bus.open("amqp://...") as bus:
        await bus.send("shop", openid, reply.Text("Your parcel has arrived."))
        await bus.event("shop", openid, "paid", {"order": "88001"}, id="payment-4711")

Sends and events travel the user's lane: in order with the user's messages, retried, and once for each id.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from wxbus.aio.backoff import Backoff
from wxbus.bus.request_queue import RequestPublisher
from wxbus.bus.topology import Topology
from wxbus.config.validation import validation_messages
from wxbus.errors import BrokerUnavailable, ConfigurationError
from wxbus.messages.requests import Accepted, Cancelled, CancelRequest, EventRequest, SendRequest
from wxbus.rpc.client import Client
from wxbus.wechat.replies.reply import CustomerServiceReply
from wxbus.wechat.replies.sockets import SocketReply
from wxbus.wechat.replies.templates import TemplateReply
from wxbus.wechat.replies.wecom import WeComReply

R = TypeVar("R", bound=BaseModel)

BUDGET: Final = 10.0
"""Seconds for one request with its attempts."""
ATTEMPTS: Final = 3


class Submit(Protocol):
    """Accepts requests: the queue, the RPC service, or the worker itself. Repeated requests have one effect."""

    async def accept(self, request: SendRequest | EventRequest) -> Accepted:
        """Return when the message is on disk."""
        ...

    async def cancel(self, request: CancelRequest) -> Cancelled | None:
        """Cancel a scheduled message; None: the result is not known."""
        ...


class Bus:
    """Sends messages to users of all accounts, and posts events about them.

    Every method raises:
        Unavailable: It is unknown whether the request is stored; repeat it with the same `id`.
        ValueError: An argument is wrong; the text names it and the limit.
        RpcFailure: By RPC: the account is unknown (404), or the key does not permit it (403).
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, api_key: str = "", *, topology: Topology | None = None) -> AsyncIterator["Bus"]:
        """Yield a bus.

        Without an API key requests go into the queue of the installation's workers, and wait there while no worker
        runs. With a key they are calls of the RPC service `messages`, whose answers also name an unknown account.

        Args:
            url: Address of RabbitMQ, or with an API key that of the workers' RPC: `http://worker:8084`.
            api_key: A key with the scopes `messages:send`, `messages:event` and `messages:cancel` for the accounts.
            topology: Queue names of the installation; those of the namespace `wxbus` by default.

        Raises:
            ConfigurationError: `url` is not such an address.
        """
        topology = topology or Topology()
        if not api_key and not url.startswith("amqp"):
            raise ConfigurationError("without an API key the address must be that of RabbitMQ: amqp://...")
        if api_key:
            async with Client.open(url, api_key, timeout=BUDGET, topology=topology) as client:
                yield cls(_Rpc(client))
        else:
            async with RequestPublisher.open(url, topology, name="bus") as queue:
                yield cls(QueuedSubmit(queue))

    async def send(
        self,
        account: str,
        openid: str,
        reply: CustomerServiceReply | TemplateReply | WeComReply | SocketReply,
        *,
        id: str | None = None,  # noqa: A002 - the word of the API
        send_at: datetime | None = None,
    ) -> str:
        """Send a message to a user, and return its id.

        Args:
            account: Name of the account, or its appid.
            openid: The user.
            reply: The message.
            id: The caller's id: a second message to this user with the same id is dropped. By default a new one.
            send_at: When to send it, with a time zone; by default now.
        """
        fields = {"account": account, "openid": openid, "reply": reply, "send_at": send_at}
        return (await self._submit.accept(_request(SendRequest, fields, id))).id

    async def event(
        self,
        account: str,
        openid: str,
        name: str,
        data: Mapping[str, Any] | BaseModel | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the word of the API
        send_at: datetime | None = None,
    ) -> str:
        """Post an event about a user, which `@router.signal(name)` handles with the user's context, and return its id.

        `data` is a pydantic model or JSON values; see `send` for the other arguments.
        """
        return (await self._submit.accept(event_request(account, openid, name, data, id=id, send_at=send_at))).id

    async def cancel(self, account: str, openid: str, id: str) -> bool | None:  # noqa: A002 - the word of the API
        """Cancel a scheduled message; return whether it was still waiting, None if the request is queued."""
        request = _request(CancelRequest, {"account": account, "openid": openid}, id)
        cancelled = await self._submit.cancel(request)
        return None if cancelled is None else cancelled.cancelled


class Queue(Protocol):
    """Accepts requests for the workers: `wxbus.bus.request_queue.RequestPublisher`."""

    async def put(self, body: bytes, *, budget: float) -> None:
        """Return when RabbitMQ has the request on disk, or raise BrokerUnavailable."""
        ...


class QueuedSubmit:
    """Puts requests into the queue, again if RabbitMQ was lost meanwhile: a second copy is dropped."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def accept(self, request: SendRequest | EventRequest) -> Accepted:
        """Return when the message is in the queue."""
        await self._put(request)
        return Accepted(id=request.id, scheduled=request.send_at is not None)

    async def cancel(self, request: CancelRequest) -> None:
        """Return when the cancellation is in the queue."""
        await self._put(request)

    async def _put(self, request: BaseModel) -> None:
        clock, backoff = asyncio.get_running_loop().time, Backoff(first=0.05, longest=1.0)
        by = clock() + BUDGET
        while True:
            try:
                return await self._queue.put(request.model_dump_json().encode(), budget=by - clock())
            except BrokerUnavailable:
                delay = backoff.delay()
                if clock() + delay >= by:
                    raise
                await asyncio.sleep(delay)


class _Rpc:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def accept(self, request: SendRequest | EventRequest) -> Accepted:
        return await self._call(request.type, request, Accepted)

    async def cancel(self, request: CancelRequest) -> Cancelled:
        return await self._call(request.type, request, Cancelled)

    async def _call(self, method: str, request: BaseModel, answer: type[R]) -> R:
        return await self._client.call("messages", method, request, answer, attempts=ATTEMPTS)


def event_request(
    account: str,
    openid: str,
    name: str,
    data: Mapping[str, Any] | BaseModel | None,
    *,
    id: str | None = None,  # noqa: A002 - the word of the API
    send_at: datetime | None = None,
) -> EventRequest:
    """Return the request of `Bus.event`, or raise ValueError."""
    values = data.model_dump(mode="json") if isinstance(data, BaseModel) else dict(data or {})
    fields = {"account": account, "openid": openid, "name": name, "data": values, "send_at": send_at}
    return _request(EventRequest, fields, id)


def _request(kind: type[R], fields: Mapping[str, Any], message_id: str | None) -> R:
    given = fields if message_id is None else {**fields, "id": message_id}
    try:
        return kind.model_validate(given)
    except ValidationError as exc:
        raise ValueError(validation_messages(exc)) from None
