"""Where a client of WeChat's API gets its access tokens from."""

from typing import Protocol


class TokenSource(Protocol):
    """Gives the access token of each account; the token service's client is one."""

    async def get(self, appid: str) -> str:
        """Return a token that is valid as far as anybody knows.

        Raises:
            TokenUnavailable: There is none just now.
        """
        ...

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the token to use now, after WeChat refused `token` (protocol reference 8.1, consequence 2).

        Raises:
            TokenUnavailable: There is no other just now.
        """
        ...
