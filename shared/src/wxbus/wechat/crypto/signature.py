"""SHA-1 signatures of callbacks (protocol reference 1.2 and 1.3)."""

import hmac
from hashlib import sha1


def sign(token: str, *parts: str) -> str:
    """Return the signature of `token` and `parts`: the lower-case SHA-1 hex digest of them sorted and joined.

    The parts are timestamp and nonce, then the `Encrypt` text (or the WeCom `echostr`) if there is one.
    """
    # Sorting str sorts the UTF-8 bytes, as the protocol requires. A lone surrogate in the query must not raise.
    joined = "".join(sorted((token, *parts))).encode("utf-8", "surrogatepass")
    return sha1(joined, usedforsecurity=False).hexdigest()  # the protocol requires SHA-1


def matches(signature: str, token: str, *parts: str) -> bool:
    """Return whether `signature` is that of `token` and `parts`, in constant time."""
    # As bytes: compare_digest rejects text outside of ASCII.
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), sign(token, *parts).encode())
