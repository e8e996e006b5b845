"""Reads the body of a request within limits of size and time (RabbitMQ and Redis reference 10)."""

import asyncio

from aiohttp import web

from wxbus.errors import CallbackTimeout, CallbackTooLarge, MalformedCallback
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.request import Request
from wxbus_ingress.settings import Limits


async def read_body(request: Request, limits: Limits, deadline: Deadline) -> bytes:
    """Return the whole body without decompressing it.

    Raises:
        CallbackTooLarge: It is longer than `limits.body_limit`, by its header or in fact.
        CallbackTimeout: It did not arrive within `limits.body_timeout`, or by the deadline.
        MalformedCallback: It ended early, or contradicts its header.
        Overloaded: The bodies of other requests take too many bytes.
    """
    if (request.content_length or 0) > limits.body_limit:
        raise _too_large(limits)
    try:
        body = request.arrived()
        if body is not None:  # the usual case: it arrived together with the header
            return _admit(request, body, limits)
        request.count_body(limits.body_limit if request.content_length is None else request.content_length)
        async with asyncio.timeout(deadline.left(at_most=limits.body_timeout)):
            return _admit(request, await request.receive(), limits)
    except web.HTTPRequestEntityTooLarge as exc:
        raise _too_large(limits) from exc
    except TimeoutError as exc:
        raise CallbackTimeout(f"the body did not arrive within {limits.body_timeout:g} s") from exc
    except (web.RequestPayloadError, OSError) as exc:
        raise MalformedCallback("the body ended early or contradicts its header") from exc


def _admit(request: Request, body: bytes, limits: Limits) -> bytes:
    if len(body) > limits.body_limit:
        raise _too_large(limits)
    request.count_body(len(body))
    return body


def _too_large(limits: Limits) -> CallbackTooLarge:
    return CallbackTooLarge(f"the body is over the limit of {limits.body_limit} bytes")
