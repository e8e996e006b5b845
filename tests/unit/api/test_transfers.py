"""Files in calls of `WeChatClient`: uploads, downloads, and errors in place of a file."""

import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.support.api_server import INVALID, MEGABYTE, PATH, PNG, a_client, body, counting, never, reset
from tests.support.clock import advanced_loop
from tests.support.sandbox import EVENT_WAIT
from wxbus.api.calls import Repeat
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile
from wxbus.errors import (
    BadRequest,
    TokenInvalid,
    WeChatUnavailable,
)


async def test_a_binary_answer() -> None:
    """`answer=bytes` returns the bytes, `answer=File` also type and name."""
    async with a_client(body(PNG, "image/png", Content_Disposition='attachment; filename="a.png"')) as (client, _):
        assert await client.call("POST", PATH, answer=bytes) == PNG
        assert await client.call("POST", PATH, answer=File) == File(PNG, "image/png", "a.png")


@pytest.mark.parametrize("how", [{"answer": bytes}, {"answer": File}, {"stream": True}], ids=str)
async def test_an_errcode_in_place_of_an_image(how: dict[str, Any]) -> None:
    """An error has status 200 and may claim to be an image."""
    async with a_client(body(b' \n{"errcode":40129,"errmsg":"invalid scene"}', "image/jpeg")) as (client, _):
        with pytest.raises(BadRequest, match="invalid scene"):
            await client.call("POST", PATH, **how)


async def test_a_large_json_file_is_a_file() -> None:
    """A JSON object without an errcode, or of a size that no error has, is a file."""
    large = b'{"errcode":1,"list":"' + b"x" * 100_000 + b'"}'
    async with a_client(body(b'{"no":"error"}'), body(large)) as (client, _):
        assert await client.call("GET", PATH, answer=bytes) == b'{"no":"error"}'
        assert await client.call("GET", PATH, answer=bytes) == large


async def test_a_stalled_download_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of the answer is limited by the client's timeout."""

    async def stalling(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PNG)
        return await never(request)

    clock = advanced_loop(monkeypatch)
    async with (
        a_client(stalling, timeout=EVENT_WAIT) as (client, _),
        await client.call("GET", PATH, stream=True) as download,
    ):
        assert await anext(download) == PNG
        clock.ahead += EVENT_WAIT
        with pytest.raises(WeChatUnavailable, match=PATH):
            await anext(download)


async def test_a_download_that_is_cut_off_fails() -> None:
    """A file that lacks bytes is not taken for a whole one."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(PNG)
        return await reset(request)

    async with a_client(cut) as (client, _):
        with pytest.raises(WeChatUnavailable, match=PATH):
            await client.call("GET", PATH, answer=bytes)


async def test_files_are_asked_for_without_compression() -> None:
    """A file is compressed already, and a compressed answer that is cut off would be taken for a whole one."""
    asked: list[str | None] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Accept-Encoding"))
        return web.Response(body=PNG, content_type="image/png")

    async with a_client(answer) as (client, _):
        await client.call("GET", PATH, answer=bytes)
        (await client.call("POST", PATH, stream=True)).close()
    assert asked == ["identity", "identity"]


async def test_a_large_download_needs_constant_memory() -> None:
    """`stream=True` returns an iterator: 32 MB need no more than a few buffers."""

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(32):
            await response.write(bytes(MEGABYTE))
        return response

    async with a_client(large) as (client, _):
        tracemalloc.start()
        async with await client.call("GET", PATH, stream=True) as download:
            size = 0
            async for chunk in download:
                size += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size == 32 * MEGABYTE
    assert peak < 12 * MEGABYTE


async def test_a_large_upload_needs_constant_memory() -> None:
    """An async iterator is sent piece by piece, with a Content-Length if its size is known."""

    async def data() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(MEGABYTE)

    async with a_client(counting) as (client, _):
        tracemalloc.start()
        file = UploadFile("a.mp4", data(), size=32 * MEGABYTE)
        found = await client.call("POST", PATH, files={"media": file})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (found["size"], found["filename"]) == (32 * MEGABYTE, "a.mp4")
    assert found["length"] > 32 * MEGABYTE
    assert peak < 12 * MEGABYTE


async def test_an_open_file_is_sent_again_after_a_rejected_token() -> None:
    """A file is read from its position in each attempt, and stays open."""
    file = io.BytesIO(b"skipped" + PNG)
    file.seek(7)
    async with a_client(body(INVALID), counting) as (client, _):
        found = await client.call("POST", PATH, files={"media": UploadFile("a.png", file)})
    assert found["size"] == len(PNG)
    assert not file.closed


async def test_an_iterator_is_sent_once() -> None:
    """An iterator cannot be read again: the error is raised, and the token is reported for the next call."""

    async def data() -> AsyncIterator[bytes]:
        yield PNG

    async with a_client(body(INVALID)) as (client, server):
        with pytest.raises(TokenInvalid):
            await client.call("POST", PATH, files={"media": UploadFile("a.png", data())}, repeat=Repeat.READ)
    assert (len(server.reports), len(server.requests)) == (1, 1)


async def test_an_error_of_the_iterator_is_raised_as_it_is() -> None:
    """It is the caller's error, not one of WeChat, and is not repeated."""

    async def data() -> AsyncIterator[bytes]:
        yield PNG
        raise LookupError("no more")

    async with a_client(counting) as (client, _):
        with pytest.raises(LookupError, match="no more"):
            await client.call("POST", PATH, files={"media": UploadFile("a.png", data())}, repeat=Repeat.READ)


@pytest.mark.parametrize("size", [1, 1_000_000])
async def test_a_wrong_size_is_named(size: int) -> None:
    """A file with more or fewer bytes than stated is not sent as a whole one."""

    async def data() -> AsyncIterator[bytes]:
        yield PNG

    async with a_client(counting) as (client, _):
        with pytest.raises(ValueError, match=rf"a\.png has .*{size}"):
            await client.call("POST", PATH, files={"media": UploadFile("a.png", data(), size=size)})


async def test_texts_and_files_in_one_form() -> None:
    """A text among the files is a field of the form."""
    async with a_client(body(b"{}")) as (client, server):
        await client.call("POST", PATH, files={"media": UploadFile("图.png", PNG), "description": '{"title":"片"}'})
    sent = server.requests[0][3]
    assert 'name="media"; filename="图.png"'.encode() in sent
    assert PNG in sent
    assert '{"title":"片"}'.encode() in sent
