"""gzip for bodies, both ways, with a bound on what comes out."""

import gzip
import zlib
from typing import Final

from wxbus.errors import RpcFailure
from wxbus.rpc.codec.negotiation import qualities

GZIP: Final = "gzip"
COMPRESS_FROM: Final = 1024
"""Bytes from which a body is compressed; most answers, a token among them, are smaller."""
GZIP_WINDOW: Final = 31
"""For zlib: 15 bits, in gzip's format."""


def compress(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """Return the body and its content encoding: None if it stays as it is."""
    if len(body) < COMPRESS_FROM or not accept_encoding:
        return body, None
    weights = qualities(accept_encoding)
    if weights.get(GZIP, weights.get("*", 0.0)) <= 0:
        return body, None
    return gzip.compress(body, mtime=0), GZIP


def decompress(body: bytes, content_encoding: str | None, *, limit: int) -> bytes:
    """Return the body as it was before its encoding.

    Raises:
        RpcFailure: 413 over `limit` bytes, found out before they are made; 415 for another encoding; 400 for a body
            that is not of its encoding.
    """
    check_encoding(content_encoding)
    if (content_encoding or "").lower() == GZIP:
        stream = zlib.decompressobj(GZIP_WINDOW)
        try:
            body = stream.decompress(body, limit + 1)
        except zlib.error as exc:
            raise RpcFailure(400, "The body cannot be read", detail="it is not gzip") from exc
        if len(body) <= limit and (not stream.eof or stream.unused_data):
            raise RpcFailure(400, "The body cannot be read", detail="it is not one whole gzip member")
    if len(body) > limit:
        raise too_large(limit)
    return body


def check_encoding(content_encoding: str | None) -> None:
    """Raise RpcFailure 415 for a content encoding that is not ours."""
    if (content_encoding or "identity").lower() not in {"identity", GZIP}:
        raise RpcFailure(415, "Unsupported content encoding", detail=f"send {GZIP}, or none")


def too_large(limit: int) -> RpcFailure:
    """Return what is told of a body over the limit."""
    return RpcFailure(413, "The body is too large", detail=f"the limit is {limit} bytes, inflated")
