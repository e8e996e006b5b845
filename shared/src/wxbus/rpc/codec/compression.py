"""gzip for bodies, with a limit on the decompressed size."""

import gzip
import zlib
from typing import Final

from wxbus.errors import RpcFailure
from wxbus.rpc.codec.negotiation import qualities

GZIP: Final = "gzip"
COMPRESS_FROM: Final = 1024
"""Bytes from which a body is compressed; most answers are smaller."""
GZIP_WINDOW: Final = 31
"""zlib's window bits: 15, in gzip's format."""


def compress(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """Return the body and its content encoding, None if it is not compressed."""
    if len(body) < COMPRESS_FROM or not accept_encoding:
        return body, None
    weights = qualities(accept_encoding)
    if weights.get(GZIP, weights.get("*", 0.0)) <= 0:
        return body, None
    return gzip.compress(body, mtime=0), GZIP


def decompress(body: bytes, content_encoding: str | None, *, limit: int) -> bytes:
    """Return the decompressed body.

    Raises:
        RpcFailure: 413 over `limit` bytes, which are never allocated; 415 for an unknown encoding; 400 for a malformed
            body.
    """
    check_encoding(content_encoding)
    if (content_encoding or "").lower() == GZIP:
        stream = zlib.decompressobj(GZIP_WINDOW)
        try:
            body = stream.decompress(body, limit + 1)
        except zlib.error as exc:
            raise RpcFailure(400, "Malformed body", detail="it is not gzip") from exc
        if len(body) <= limit and (not stream.eof or stream.unused_data):
            raise RpcFailure(400, "Malformed body", detail="it is not one complete gzip member")
    if len(body) > limit:
        raise too_large(limit)
    return body


def check_encoding(content_encoding: str | None) -> None:
    """Raise RpcFailure 415 for an unknown content encoding."""
    if (content_encoding or "identity").lower() not in {"identity", GZIP}:
        raise RpcFailure(415, "Unsupported content encoding", detail=f"supported: {GZIP}, or none")


def too_large(limit: int) -> RpcFailure:
    """Return the failure for a body over the limit."""
    return RpcFailure(413, "The body is too large", detail=f"the limit is {limit} bytes, decompressed")
