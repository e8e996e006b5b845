"""SHA-1 signatures of callbacks (protocol reference 1.2 and 1.3)."""

import hmac
from hashlib import sha1


def sign(token: str, *parts: str) -> str:
    """Return the signature over `token` and `parts`: SHA-1, as lower-case hex, of all of them sorted and joined.

    The parts are timestamp and nonce, then the `Encrypt` text (or the WeCom `echostr`) if there is one.
    """
    # Sorting text sorts its UTF-8 bytes, as the rule demands; a stray surrogate of the query must not raise.
    joined = "".join(sorted((token, *parts))).encode("utf-8", "surrogatepass")
    return sha1(joined, usedforsecurity=False).hexdigest()  # the protocol fixes SHA-1


def matches(signature: str, token: str, *parts: str) -> bool:
    """Return whether `signature` is that of `token` and `parts`; the time it takes does not tell how nearly."""
    # As bytes: compare_digest refuses text outside ASCII, and the sender decides what stands there.
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), sign(token, *parts).encode())
