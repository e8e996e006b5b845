"""What other services may call; the messages are those of `wxbus.rpc.tokens`."""

from wxbus.rpc import method, service
from wxbus.rpc.tokens import ReportInvalidRequest, TokenAnswer, TokenRequest
from wxbus_token.authority import Authority
from wxbus_token.keeper import Held, Keeper

ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of the kind, not a token


@service("token")
class TokenService:
    """Gives the valid access token of an account."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    @method(scopes=["token:get:{appid}"])
    async def get(self, request: TokenRequest) -> TokenAnswer:
        """Return the account's valid access token."""
        keeper = self._authority.keeper(ACCESS_TOKEN, request.appid)
        return _answer(keeper, await keeper.get())

    @method(scopes=["token:report_invalid:{appid}"])
    async def report_invalid(self, request: ReportInvalidRequest) -> TokenAnswer:
        """Return the access token to use instead of one that WeChat called invalid."""
        keeper = self._authority.keeper(ACCESS_TOKEN, request.appid)
        return _answer(keeper, await keeper.report_invalid(request.token))


def _answer(keeper: Keeper, held: Held) -> TokenAnswer:
    return TokenAnswer(access_token=held.value, expires_in=max(keeper.remaining(held), 0.001))
