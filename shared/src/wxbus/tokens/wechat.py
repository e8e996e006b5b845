"""WeChat's API for programs that are not handlers; secrets stay in the token service.

Usage:

    async with WeChat.open("http://token:8081", api_key) as wechat:
        await wechat.account("wx0123456789abcdef").menus.delete()
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.api.wecom.client import WeComClient
from wxbus.bus.topology import Topology
from wxbus.rpc.client import Client
from wxbus.tokens.client import TIMEOUT, ComponentTokens, TokenClient
from wxbus.tokens.services import LoginService, QuotaService

API_URL: Final = "https://api.weixin.qq.com"
WECOM_URL: Final = "https://qyapi.weixin.qq.com"


class WeChat:
    """The API of all accounts for which the API key has the scope `token:get`."""

    def __init__(
        self, http: WeChatHttp, wecom: WeChatHttp, client: Client, tokens: TokenClient, appids: Mapping[str, str]
    ) -> None:
        self._http = http
        self._wecom = wecom
        self._appids = appids
        self.tokens = tokens
        """Access tokens and tickets, for calls without a method in this class."""
        self.login = client.bind(LoginService)
        """Exchanges login codes of users, which needs the AppSecret; raises RpcFailure and RpcUnavailable."""
        self.quota = client.bind(QuotaService)
        """Resets the daily limits of an account, which needs the AppSecret; raises as `login` does."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        token_url: str,
        api_key: str,
        *,
        api_url: str = API_URL,
        wecom_url: str = WECOM_URL,
        api_timeout: float = 5.0,
        appids: Mapping[str, str] | None = None,
        topology: Topology | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator["WeChat"]:
        """Yield WeChat's API; connections are made when they are first needed.

        Args:
            token_url: The token service: `http://...`, or `amqp://...` with its `topology`.
            api_key: A key of the token service with `token:get` and `token:report_invalid` for the accounts.
            api_url: WeChat, or the sandbox.
            wecom_url: WeCom, or the sandbox with the path `/wecom`.
            api_timeout: Seconds for one call of WeChat.
            appids: The appid of each name that `account` takes; appids themselves need no entry.
            topology: See `Client.open`.
            tls: See `Client.open`.
        """
        async with (
            WeChatHttp.open(api_url, api_timeout) as http,
            WeChatHttp.open(wecom_url, api_timeout) as wecom,
            Client.open(token_url, api_key, timeout=TIMEOUT, topology=topology, tls=tls) as client,
        ):
            tokens = TokenClient(client)
            try:
                yield cls(http, wecom, client, tokens, appids or {})
            finally:
                await tokens.aclose()

    def account(self, name: str) -> WeChatClient:
        """Return the API of an account, by its name in `appids` or its appid."""
        return WeChatClient(self._appids.get(name, name), self._http, self.tokens)

    def application(self, name: str, *, agent_id: int | None = None) -> WeComClient:
        """Return the API of an application of WeCom, or of customer service; messages to members need `agent_id`."""
        return WeComClient(self._appids.get(name, name), self._wecom, self.tokens, agent_id=agent_id)

    def platform(self, name: str) -> WeChatClient:
        """Return the API of a third-party platform itself, called with the component_access_token.

        The API key needs the scope `token:component_access_token`.
        """
        return WeChatClient(self._appids.get(name, name), self._http, ComponentTokens(self.tokens))
