"""One HTTP session to WeChat's API: raw answers become objects, everything else becomes one of two errors.

Tokens and secrets travel in addresses (protocol reference 13, trap 10), and aiohttp's errors show addresses. So none
of its errors leaves this module, not even as the cause of one of ours.
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
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat.documents.document import REPLACEMENT

JsonObject: TypeAlias = dict[str, Any]
"""An answer of WeChat's, not looked into yet."""

MAX_JSON: Final = 4 * 1024 * 1024
MAX_FILE: Final = 64 * 1024 * 1024
"""Bytes of an answer; the largest media WeChat keeps has 10 MB (protocol reference 9.2)."""
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
BLANK: Final = "***"
ERRCODE: Final = re.compile(r"-?[0-9]{1,10}")
"""As a text: some calls write it so."""
NOT_IN_NAME: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
"""What would end a file name early, or begin a header of its own."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes that WeChat answered with."""

    data: bytes
    content_type: str
    filename: str | None
    """Of Content-Disposition, if there was one."""


@dataclass(frozen=True, slots=True)
class _Answer:
    response: aiohttp.ClientResponse
    body: bytes

    @property
    def status(self) -> int:
        return self.response.status


class WeChatHttp:
    """Calls of WeChat's API: path and parameters in, the answer's object out.

    Every method raises:
        WeChatError: WeChat answered with an errcode other than 0.
        WeChatUnavailable: No connection, no answer in time, HTTP 5xx, or an answer that is not WeChat's.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, timeout: float) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, timeout: float = 5.0) -> AsyncIterator["WeChatHttp"]:
        """Yield a client of the API at `base_url`; `timeout` seconds are for one call, connection included."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout),
            connector=aiohttp.TCPConnector(limit=100, ttl_dns_cache=60),
        ) as session:
            yield cls(session, base_url, timeout)

    async def get(self, path: str, query: Mapping[str, str]) -> JsonObject:
        """Return the object that a GET is answered with."""
        return _object(path, await self._exchange("GET", path, query, MAX_JSON), query)

    async def post(self, path: str, body: JsonObject, query: Mapping[str, str] | None = None) -> JsonObject:
        r"""Return the object that a POST of `body` is answered with.

        It goes out as raw UTF-8: WeChat refuses \uXXXX (40033, protocol reference 9).
        """
        answer = await self._exchange(
            "POST",
            path,
            query or {},
            MAX_JSON,
            data=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        return _object(path, answer, query or {}, body)

    async def post_file(
        self, path: str, query: Mapping[str, str], *, field: str, filename: str, data: bytes
    ) -> JsonObject:
        """Return the object that an upload, as multipart form, is answered with."""
        form = aiohttp.FormData(quote_fields=False)  # a file name in Chinese stays as it is
        form.add_field(
            field,
            io.BytesIO(data),  # not bytes: megabytes in one piece would hold up the loop
            filename=NOT_IN_NAME.sub("_", filename),
            content_type="application/octet-stream",
        )
        return _object(path, await self._exchange("POST", path, query, MAX_JSON, data=form), query)

    async def get_file(self, path: str, query: Mapping[str, str]) -> File | JsonObject:
        """Return a file, or the object that came in its place.

        An error may come with status 200 and the content type of a picture (protocol reference 9.2), so it is the
        body that decides.
        """
        answer = await self._exchange("GET", path, query, MAX_FILE)
        if answer.status != 200 or answer.body[:64].lstrip()[:1] == b"{":
            found = _decode(answer.body)
            if answer.status != 200 or (found is not None and not found.keys().isdisjoint(("errcode", "video_url"))):
                return _object(path, answer, query)
        disposition = answer.response.content_disposition
        return File(answer.body, answer.response.content_type, disposition.filename if disposition else None)

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        limit: int,
        *,
        data: bytes | aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=data,
                headers=headers,
                allow_redirects=False,  # it would take the token along to another host
            ) as response:
                body = await _read(response, limit)
                if len(body) <= limit:
                    return _Answer(response, body)
                failure = f"the answer has more than {limit} bytes"
        except TimeoutError:
            failure = f"no answer in {self._timeout:g} s"
        except HTTP_ERRORS as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            failure = f"{type(exc).__name__}{': ' + reason if reason else ''}"
        # Outside of `except`: the library's error must not go along as the context of ours.
        raise WeChatUnavailable(f"{path}: {failure}")


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _text(body: bytes) -> str:
    """Return the characters of an answer: some are in GBK, and in UTF-8 some texts are cut inside a character."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError:
        utf8, gbk = body.decode("utf-8", "replace"), body.decode("gb18030", "replace")
    broken = utf8.count(REPLACEMENT)
    whole = sum(not character.isascii() for character in utf8) - broken
    # Of GBK nearly nothing is UTF-8 by chance; of UTF-8 that was cut nearly all is.
    return gbk if broken > whole else utf8


def _decode(body: bytes) -> JsonObject | None:
    try:
        found = json.loads(_text(body), strict=False)  # nicknames hold control characters
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _object(path: str, answer: _Answer, *sent: Mapping[str, Any]) -> JsonObject:
    """Return the object of an answer; what was `sent` holds secrets that an error must not repeat."""
    found = _decode(answer.body) if answer.status < 500 else None
    if found is None:
        raise WeChatUnavailable(f"{path}: HTTP {answer.status} without a JSON object")
    errcode = found.get("errcode", 0)
    if isinstance(errcode, str) and ERRCODE.fullmatch(errcode):
        errcode = found["errcode"] = int(errcode)
    if not isinstance(errcode, int):
        raise WeChatUnavailable(f"{path}: HTTP {answer.status} with an errcode that is no number")
    if errcode != 0:
        errmsg = str(found.get("errmsg", ""))
        for secret in _secrets(sent):
            errmsg = errmsg.replace(secret, BLANK)
        raise WeChatError(errcode, errmsg, call=path)
    if answer.status != 200:
        raise WeChatUnavailable(f"{path}: HTTP {answer.status}")
    return found


def _secrets(sent: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for parameters in sent:
        found = (parameters.get(name) for name in SECRET_NAMES)
        yield from (value for value in found if isinstance(value, str) and value)
