"""The source of access tokens for API clients."""

from typing import Protocol


class TokenSource(Protocol):
    """Returns the access token of each account; the token service's client implements it."""

    async def get(self, appid: str) -> str:
        """Return a valid token.

        Raises:
            TokenUnavailable: There is no token now.
        """
        ...

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the replacement of `token`, which WeChat rejected (protocol reference 8.1, consequence 2).

        Raises:
            TokenUnavailable: There is no other token now.
        """
        ...
