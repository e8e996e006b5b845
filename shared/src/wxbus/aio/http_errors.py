"""Errors of aiohttp's client for a call without a usable answer."""

from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from wxbus.errors import TRANSPORT_CLOSED

HTTP_ERRORS: Final = (
    aiohttp.ClientError,
    HttpProcessingError,  # the answer is not HTTP, or cannot be decompressed
    *TRANSPORT_CLOSED,
    AssertionError,  # aiohttp asserts that a connection has a transport, even just after its loss
)
