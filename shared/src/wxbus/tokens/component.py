"""Client of the token service for third-party platforms (protocol reference 8.3)."""

from collections.abc import Awaitable
from typing import Final, TypeVar

from wxbus.rpc.client import Client
from wxbus.tokens.failures import token_failures
from wxbus.tokens.messages import AuthorizerAnswer, PreAuthCode
from wxbus.tokens.services import ComponentService

A = TypeVar("A")

ATTEMPTS: Final = 3


class ComponentClient:
    """Passes a third-party platform's events to the token service, and returns its authorizers.

    Every method raises:
        TokenUnavailable: The service or WeChat does not answer just now; TokenRefused if waiting does not help.
    """

    def __init__(self, client: Client) -> None:
        self._service = client.bind(ComponentService, attempts=ATTEMPTS)

    async def deliver_ticket(self, appid: str, ticket: str, *, created_at: int) -> bool:
        """Store a component_verify_ticket; False if a newer ticket is stored."""
        return (await _answer(self._service.deliver_ticket(appid=appid, ticket=ticket, created_at=created_at))).done

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> AuthorizerAnswer:
        """Return the account of an authorisation code; its tokens are available from now on.

        Raises:
            RpcFailure: 422: the code is wrong, expired or used, or the account has withdrawn.
        """
        return await _answer(
            self._service.authorize(appid=appid, authorization_code=code, authorizer_appid=authorizer_appid)
        )

    async def unauthorize(self, appid: str, authorizer_appid: str, *, created_at: int) -> bool:
        """Drop an account's tokens; False if it has authorised the platform again since."""
        return (
            await _answer(
                self._service.unauthorize(appid=appid, authorizer_appid=authorizer_appid, created_at=created_at)
            )
        ).done

    async def authorizers(self, appid: str) -> list[AuthorizerAnswer]:
        """Return the accounts that have authorised the platform."""
        return (await _answer(self._service.authorizers(appid=appid))).authorizers

    async def pre_auth_code(self, appid: str) -> PreAuthCode:
        """Return a new code for the page on which one visitor authorises the platform."""
        return await _answer(self._service.pre_auth_code(appid=appid))

    async def recover(self, appid: str) -> int:
        """Let the service add the unknown authorizers of WeChat's list; return their number."""
        return (await _answer(self._service.recover(appid=appid))).added


async def _answer(call: Awaitable[A]) -> A:
    with token_failures(passing={422}):
        return await call
