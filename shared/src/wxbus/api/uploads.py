"""Files in a request, sent in constant memory."""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import BinaryIO, Final

import aiohttp
from aiohttp.payload import AsyncIterablePayload

CHUNK: Final = 64 * 1024
UNSAFE_IN_FILENAME: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
"""Characters that could end a file name or inject a header."""


class UploadFile:
    """A file to upload: bytes, an open binary file, or an async iterable of bytes."""

    def __init__(
        self, filename: str, data: bytes | BinaryIO | AsyncIterable[bytes], *, size: int | None = None
    ) -> None:
        """WeChat requires a `filename` whose extension fits the type of the file.

        `size` is the number of bytes of an async iterable. Give it if you know it: without it the request has no
        Content-Length, which some endpoints refuse (41005).

        Raises:
            ValueError: The file name is empty.
            TypeError: `data` is of another type.
        """
        if not filename:
            raise ValueError("filename is empty: WeChat refuses a file without a name (41005)")
        self.filename = filename
        self.size = size
        self.failure: Exception | None = None
        """The error of `data` that ended the last attempt."""
        self._data = data
        self._start: int | None = None
        self._used = False
        if isinstance(data, bytes):
            self.size = len(data)
        elif not isinstance(data, AsyncIterable) and not hasattr(data, "read"):
            raise TypeError(f"data must be bytes, a binary file or an async iterable, not {type(data).__name__}")
        elif not isinstance(data, AsyncIterable) and data.seekable():
            self._start = data.tell()
            self.size = data.seek(0, 2) - self._start
            data.seek(self._start)

    @property
    def repeatable(self) -> bool:
        """Whether the file can be sent (again): an iterator, or a file without `seek`, is read once."""
        if isinstance(self._data, bytes) or self._start is not None:
            return True
        return not self._used or (isinstance(self._data, AsyncIterable) and not isinstance(self._data, AsyncIterator))

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes; fail if they are not `size` bytes."""
        self._used, self.failure = True, None
        try:
            async for chunk in self._counted():
                yield chunk
        except Exception as exc:
            self.failure = exc
            raise

    async def _counted(self) -> AsyncIterator[bytes]:
        sent = 0
        async for chunk in self._source():
            sent += len(chunk)
            if self.size is not None and sent > self.size:
                raise ValueError(f"{self.filename} has more than {self.size} bytes, its size")
            yield chunk
        if self.size is not None and sent < self.size:
            raise ValueError(f"{self.filename} has {sent} bytes, not {self.size}, its size")

    async def _source(self) -> AsyncIterator[bytes]:
        data = self._data
        if isinstance(data, bytes):
            for start in range(0, len(data), CHUNK):  # a write of megabytes would block the event loop
                yield data[start : start + CHUNK]
        elif isinstance(data, AsyncIterable):
            async for chunk in data:
                yield chunk
        else:
            if self._start is not None:
                await asyncio.to_thread(data.seek, self._start)
            while chunk := await asyncio.to_thread(data.read, CHUNK):
                yield chunk


class _FilePart(AsyncIterablePayload):
    def __init__(self, name: str, file: UploadFile) -> None:
        super().__init__(file.chunks())
        self._size = file.size
        self.set_content_disposition(
            "form-data",
            quote_fields=False,  # keeps Chinese file names readable; WeChat does not understand `filename*`
            name=name,
            filename=UNSAFE_IN_FILENAME.sub("_", file.filename),
        )


def form_of(files: Mapping[str, UploadFile | str]) -> aiohttp.MultipartWriter:
    """Return a multipart form; a text is a field without a file name."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value in files.items():
        if isinstance(value, UploadFile):
            form.append_payload(_FilePart(name, value))
        else:
            form.append(value).set_content_disposition("form-data", quote_fields=False, name=name)
    return form
