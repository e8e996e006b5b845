"""The checks before a method: each one completes the call or refuses it."""

from collections.abc import Awaitable, Mapping
from typing import Final, Protocol

import structlog

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.codec.serialization import IGNORED_FIELDS, Serializers
from wxbus.rpc.service.call import Call, method_of
from wxbus.rpc.service.declaration import ServedMethod

WARNINGS: Final = 10
"""Burst of log lines about unknown fields in calls of one method."""
WARNINGS_PER_SECOND: Final = 1 / 60
"""Lines per second after the burst."""

log = structlog.get_logger("wxbus.rpc")


class Check(Protocol):
    """A check before the method: completes the call, or refuses it with WxbusError."""

    def __call__(self, call: Call, /) -> Awaitable[None] | None:
        """Return None or an awaitable if the call may proceed."""


class Route:
    """Finds the declared method."""

    def __init__(self, methods: Mapping[tuple[str, str], ServedMethod]) -> None:
        self._methods = methods

    def __call__(self, call: Call) -> None:
        """Refuse with 404 if there is none."""
        call.method = self._methods.get((call.service, call.name))
        if call.method is None:
            raise RpcFailure(404, "No such method")


class Decode:
    """Decodes the body into the request, and chooses the format of the answer.

    Unknown fields are ignored with a warning: a newer client may call an older server.
    """

    def __init__(self, serializers: Serializers) -> None:
        self._serializers = serializers
        self._warnings: Buckets[tuple[str, str]] = Buckets(WARNINGS_PER_SECOND, WARNINGS)

    async def __call__(self, call: Call) -> None:
        """Refuse with 415 or 406, before the body is read, for unknown formats; with 400 or 422 for an invalid body."""
        method = method_of(call)
        serializer = self._serializers.for_request(call.content_type)
        call.answer_format = self._serializers.for_answer(call.accept, method.answer)
        body = await call.read()
        unknown: list[str] = []
        token = IGNORED_FIELDS.set(unknown)
        try:
            call.request = serializer.decode(body, method.request)
        finally:
            IGNORED_FIELDS.reset(token)
        if unknown and not self._warnings.take((method.service, method.name)):
            log.warning(
                "rpc.fields_ignored",
                method=f"{method.service}.{method.name}",
                principal=call.principal.name if call.principal else None,
                fields=[name[:64] for name in unknown[:10]],
            )
