"""The body of a request, bounded in size and time (RabbitMQ and Redis reference 10)."""

import asyncio

from aiohttp import web

from wxbus.errors import CallbackTimeout, CallbackTooLarge, MalformedCallback
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.server import Request
from wxbus_ingress.settings import Limits


async def read_body(request: Request, limits: Limits, deadline: Deadline) -> bytes:
    """Return the whole body, as it came: compression is not undone.

    Raises:
        CallbackTooLarge: It is longer than `limits.body_limit`, announced or not.
        CallbackTimeout: It was not there within `limits.body_timeout`, or by the deadline.
        MalformedCallback: It ended early, or is not what its header says.
        Overloaded: Too many bytes of other bodies are in hand.
    """
    if (request.content_length or 0) > limits.body_limit:
        raise CallbackTooLarge(f"the body is over the limit of {limits.body_limit} bytes")
    try:
        if request.content.is_eof():  # the usual case: it came together with the header
            return _bounded(request, request.content.read_nowait(), limits)
        request.hold(limits.body_limit if request.content_length is None else request.content_length)
        async with asyncio.timeout(deadline.left(at_most=limits.body_timeout)):
            if request.headers.get("Expect", "").lower() == "100-continue":
                await request.send_continue()
            return _bounded(request, await request.read(), limits)
    except web.HTTPRequestEntityTooLarge as exc:
        raise CallbackTooLarge(f"the body is over the limit of {limits.body_limit} bytes") from exc
    except TimeoutError as exc:
        raise CallbackTimeout(f"the body did not arrive within {limits.body_timeout:g} s") from exc
    except (web.RequestPayloadError, OSError) as exc:
        raise MalformedCallback("the body ended early or is not what its header says") from exc


def _bounded(request: Request, body: bytes, limits: Limits) -> bytes:
    if len(body) > limits.body_limit:
        raise CallbackTooLarge(f"the body is over the limit of {limits.body_limit} bytes")
    request.hold(len(body))
    return body
