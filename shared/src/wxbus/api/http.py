"""HTTP session to WeChat's API: a response becomes a JSON object, a file, or one of two errors.

URLs contain tokens and secrets (protocol reference 13, trap 10), and aiohttp's errors contain URLs. Therefore no error
of aiohttp leaves this module, not even as the cause of another error.
"""

import io
import json
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import aiohttp

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.api.models import File
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat.documents.document import REPLACEMENT

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object sent to or received from WeChat."""

MAX_JSON: Final = 4 * 1024 * 1024
MAX_FILE: Final = 64 * 1024 * 1024
"""Maximum bytes of a response; the largest media have 10 MB (protocol reference 9.2)."""
SECRET_NAMES: Final = (
    "access_token",
    "secret",
    "js_code",
    "corpsecret",
    "component_access_token",
    "component_appsecret",
    "component_secret",
    "component_verify_ticket",
    "authorization_code",
    "authorizer_refresh_token",
)
MASK: Final = "***"
ERRCODE: Final = re.compile(r"-?[0-9]{1,10}")
"""An errcode as text, which some calls return."""
UNSAFE_IN_FILENAME: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
"""Characters that could end a file name or inject a header."""


@dataclass(frozen=True, slots=True)
class _Response:
    raw: aiohttp.ClientResponse
    body: bytes

    @property
    def status(self) -> int:
        return self.raw.status


class WeChatHttp:
    """Makes single API calls without retries.

    Every method raises:
        WeChatError: WeChat returned an errcode other than 0.
        WeChatUnavailable: No connection, timeout, HTTP 5xx, or an invalid response.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, timeout: float) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, timeout: float = 5.0) -> AsyncIterator["WeChatHttp"]:
        """Yield a client of the API at `base_url`; `timeout` seconds limit one call including its connection."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout),
            connector=aiohttp.TCPConnector(limit=100, ttl_dns_cache=60),
        ) as session:
            yield cls(session, base_url, timeout)

    async def get(self, path: str, query: Mapping[str, str]) -> JsonObject:
        """Return the response to a GET request."""
        return _object(path, await self._exchange("GET", path, query, MAX_JSON), query)

    async def post(self, path: str, body: JsonObject, query: Mapping[str, str] | None = None) -> JsonObject:
        r"""Return the response to a POST request.

        The body is raw UTF-8, because WeChat rejects \uXXXX (40033, protocol reference 9).
        """
        response = await self._exchange(
            "POST",
            path,
            query or {},
            MAX_JSON,
            data=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        return _object(path, response, query or {}, body)

    async def post_file(
        self, path: str, query: Mapping[str, str], *, field: str, filename: str, data: bytes
    ) -> JsonObject:
        """Return the response to an upload as a multipart form."""
        form = aiohttp.FormData(quote_fields=False)  # keeps Chinese file names readable
        form.add_field(
            field,
            io.BytesIO(data),  # not bytes: a write of megabytes would block the event loop
            filename=UNSAFE_IN_FILENAME.sub("_", filename),
            content_type="application/octet-stream",
        )
        return _object(path, await self._exchange("POST", path, query, MAX_JSON, data=form), query)

    async def get_file(self, path: str, query: Mapping[str, str]) -> File | JsonObject:
        """Return the file, or a JSON object that WeChat returned instead.

        An error may have status 200 and the content type of an image (protocol reference 9.2), so the body decides.
        """
        response = await self._exchange("GET", path, query, MAX_FILE)
        if response.status != 200 or response.body[:64].lstrip()[:1] == b"{":
            found = _decode(response.body)
            if response.status != 200 or (found is not None and not found.keys().isdisjoint(("errcode", "video_url"))):
                return _object(path, response, query)
        disposition = response.raw.content_disposition
        return File(response.body, response.raw.content_type, disposition.filename if disposition else None)

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        limit: int,
        *,
        data: bytes | aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Response:
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=data,
                headers=headers,
                allow_redirects=False,  # a redirect would send the token to another host
            ) as response:
                body = await _read(response, limit)
                if len(body) <= limit:
                    return _Response(response, body)
                failure = f"the response exceeds {limit} bytes"
        except TimeoutError:
            failure = f"no response in {self._timeout:g} s"
        except HTTP_ERRORS as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            failure = f"{type(exc).__name__}{': ' + reason if reason else ''}"
        # Outside of `except`, so that aiohttp's error is not the context of this one.
        raise WeChatUnavailable(f"{path}: {failure}")


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _text(body: bytes) -> str:
    """Return the text of a response. Some are GBK, and some UTF-8 texts are truncated inside a character."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError:
        utf8, gbk = body.decode("utf-8", "replace"), body.decode("gb18030", "replace")
    broken = utf8.count(REPLACEMENT)
    whole = sum(not character.isascii() for character in utf8) - broken
    # GBK contains hardly any valid UTF-8 sequence; truncated UTF-8 is almost entirely valid.
    return gbk if broken > whole else utf8


def _decode(body: bytes) -> JsonObject | None:
    try:
        found = json.loads(_text(body), strict=False)  # nicknames contain control characters
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _object(path: str, response: _Response, *sent: Mapping[str, Any]) -> JsonObject:
    """Return the JSON object of a response; secrets in `sent` are masked in errors."""
    found = _decode(response.body) if response.status < 500 else None
    if found is None:
        raise WeChatUnavailable(f"{path}: HTTP {response.status} without a JSON object")
    errcode = found.get("errcode", 0)
    if isinstance(errcode, str) and ERRCODE.fullmatch(errcode):
        errcode = found["errcode"] = int(errcode)
    if not isinstance(errcode, int):
        raise WeChatUnavailable(f"{path}: HTTP {response.status} with an errcode that is not a number")
    if errcode != 0:
        errmsg = str(found.get("errmsg", ""))
        for secret in _secrets(sent):
            errmsg = errmsg.replace(secret, MASK)
        raise WeChatError(errcode, errmsg, call=path)
    if response.status != 200:
        raise WeChatUnavailable(f"{path}: HTTP {response.status}")
    return found


def _secrets(sent: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for parameters in sent:
        found = (parameters.get(name) for name in SECRET_NAMES)
        yield from (value for value in found if isinstance(value, str) and value)


def require_text(path: str, response: JsonObject, name: str) -> str:
    """Return the text `name` of a response, or raise WeChatUnavailable."""
    value = response.get(name)
    if not isinstance(value, str) or not value:
        raise WeChatUnavailable(f"{path}: the response has no {name}")
    return value
