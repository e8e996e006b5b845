"""What aiohttp's client raises if there is no answer."""

from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from wxbus.errors import TRANSPORT_CLOSED

HTTP_ERRORS: Final = (
    aiohttp.ClientError,
    HttpProcessingError,  # an answer that is no HTTP, or cannot be inflated
    *TRANSPORT_CLOSED,
    AssertionError,  # aiohttp asserts that a connection which was just lost has a transport
)
