"""Translates failed calls of the token service into errors for their callers."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from wxbus.errors import RpcFailure, RpcUnavailable, TokenRefused, TokenUnavailable
from wxbus.rpc.codec import problems

RETRY_AFTER = 1.0
"""Seconds to wait for a service that does not answer."""


@contextmanager
def token_failures(*, passing: Collection[int] = ()) -> Iterator[None]:
    """Raise the RPC failures of the block as TokenUnavailable, or TokenRefused where waiting does not help.

    Failures with a status in `passing` are raised as they are.
    """
    try:
        yield
    except RpcUnavailable as exc:
        raise TokenUnavailable(f"the token service does not answer: {exc}", retry_after=RETRY_AFTER) from exc
    except RpcFailure as exc:
        if exc.status in passing:
            raise
        text = f"the token service answers {exc}"
        state = problems.refusal_state(exc)
        if state is not None or (400 <= exc.status < 500 and exc.status != 429):
            raise TokenRefused(text, retry_after=exc.retry_after, state=state or "") from exc
        raise TokenUnavailable(text, retry_after=exc.retry_after) from exc
