"""The sandbox's own steps in the trace of a push: each attempt, with what was sent and answered."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from wxbus.telemetry import new_traceparent, trace_id
from wxbus_sandbox.pushes.encoder import EncodedPush
from wxbus_sandbox.traces.records import Attributes, Span
from wxbus_sandbox.traces.store import Traces

MAX_TEXT: Final = 16 * 1024
"""Bytes of a request or an answer that are kept."""
SIGNATURES: Final = frozenset({"signature", "msg_signature"})
"""Parameters that are not shown: in plain mode a signature signs any body (RabbitMQ and Redis reference 10)."""


class TracedAttempt:
    """One attempt."""

    def __init__(self, traceparent: str, attributes: Attributes) -> None:
        self.traceparent = traceparent
        self.attributes = attributes
        self.error = ""

    def answered(self, status: int | None, body: bytes, failure: str) -> None:
        """Add what ingress answered; `failure` says why there is no answer."""
        self.attributes |= {"http.response.status_code": status or 0, "wechat.answer": _readable(body)}
        self.error = failure or ("" if status == 200 else f"status {status}")


class TracedPush:
    """Adds the attempts of one push to its trace."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self.trace_id = trace_id(new_traceparent())
        self._attempts = 0

    @contextmanager
    def attempt(self, path: str, request: EncodedPush) -> Iterator[TracedAttempt]:
        """Add an attempt that takes as long as the block."""
        self._attempts += 1
        span_id, start = secrets.token_hex(8), time.time()
        query = {name: "***" if name in SIGNATURES else value for name, value in request.query.items()}
        attempt = TracedAttempt(
            f"00-{self.trace_id}-{span_id}-01",
            {
                "wxbus.attempt": self._attempts,
                "url.path": f"/wechat/{path}",
                "wechat.query": "&".join(f"{name}={value}" for name, value in query.items()),
                "wechat.request": _readable(request.body),
                "wechat.plain": _readable(request.plain),
            },
        )
        try:
            yield attempt
        finally:
            span = Span(
                trace_id=self.trace_id,
                span_id=span_id,
                parent_id="",
                name="wechat.push",
                service="sandbox",
                process="",
                start=start,
                end=time.time(),
                error=attempt.error,
                attributes=attempt.attributes,
            )
            self._traces.add([span])


def _readable(body: bytes) -> str:
    text = body[:MAX_TEXT].decode("utf-8", "replace")
    return text if len(body) <= MAX_TEXT else f"{text}…"
