"""One request to a callback address, as WeChat makes it."""

import asyncio
import io
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

MAX_BODY: Final = 1024 * 1024
"""Bytes of a response; what follows is not read. A larger request is sent piece by piece."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The response to one request."""

    status: int | None
    """None without a complete response."""
    body: bytes
    ms: float
    failure: str = ""
    """Why there is no complete response."""

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    query: dict[str, str],
    body: bytes = b"",
    content_type: str = "",
    *,
    timeout: float,
    traceparent: str = "",
) -> Exchange:
    """Return status and body of one request; `timeout` seconds are for the complete response."""
    fields = {"Content-Type": content_type, "traceparent": traceparent}
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def ms() -> float:
        return round((loop.time() - begun) * 1000, 1)

    try:
        async with (
            asyncio.timeout(timeout),
            session.request(
                method,
                URL(url).update_query(query),
                data=io.BytesIO(body) if len(body) > MAX_BODY else body or None,
                headers={name: value for name, value in fields.items() if value},
                allow_redirects=False,
            ) as response,
        ):
            answer = bytearray()
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > MAX_BODY:
                    break
            return Exchange(response.status, bytes(answer), ms())
    except TimeoutError:
        failure = f"no complete response in {timeout:g} s"
    except (aiohttp.ClientError, OSError) as exc:
        failure = type(exc).__name__
    return Exchange(None, b"", ms(), failure)
