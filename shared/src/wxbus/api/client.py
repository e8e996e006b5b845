"""The client of WeChat's API for one account: what handlers are given to call WeChat with."""

import asyncio

from pydantic import SecretStr

from wxbus.api import customer_service, login, media, operations
from wxbus.api.calls import Calls, Pause
from wxbus.api.http import File, WeChatHttp
from wxbus.api.login import Login
from wxbus.api.media import MediaId, MediaKind, VideoLink
from wxbus.api.tokens import TokenSource
from wxbus.wechat.replies.reply import AnyReply


class WeChatClient:
    """Calls WeChat for one account, with the policies of protocol reference 12.

    Every method raises:
        WeChatError: WeChat said no; `policy` says what to do about it.
        WeChatUnavailable: No usable answer from WeChat, also after repeats.
        TokenUnavailable: There is no access token just now.
    """

    def __init__(self, appid: str, http: WeChatHttp, tokens: TokenSource, *, pause: Pause = asyncio.sleep) -> None:
        self.appid = appid
        self._http = http
        self._calls = Calls(appid, tokens, pause=pause)

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:
        """Send one customer-service message to a user, repeated at most once (protocol reference 9.1).

        Args:
            openid: The user.
            reply: One message; text over WeChat's limit is refused (45002), see `wxbus.wechat.replies.long_text`.
            kf_account: Send it in the name of this human.

        Raises:
            ValueError: No customer-service message of this kind exists.
        """
        await customer_service.send(self._http, self._calls, openid, reply, kf_account=kf_account)

    async def typing(self, openid: str, *, on: bool = True) -> None:
        """Show the user that an answer is being written, or (`on=False`) no longer (protocol reference 9.1)."""
        await customer_service.typing(self._http, self._calls, openid, on=on)

    async def upload_media(self, kind: MediaKind, filename: str, data: bytes) -> MediaId:
        """Return the id of temporary media just uploaded, valid for 3 days (protocol reference 9.2)."""
        return await media.upload(self._http, self._calls, kind, filename, data)

    async def download_media(self, media_id: str) -> File | VideoLink:
        """Return media that a user sent or we uploaded; of a video, its address (protocol reference 9.2)."""
        return await media.download(self._http, self._calls, media_id)

    async def login(self, js_code: str, secret: SecretStr) -> Login:
        """Return who logged in to the Mini Program (protocol reference 10); `secret` is the AppSecret.

        Raises:
            WeChatError: 40029 or 40163: the code is bad or used, the client must log in again.
        """
        return await login.login(self._http, self.appid, js_code, secret)

    async def callback_addresses(self) -> list[str]:
        """Return the addresses that WeChat's callbacks come from, some maybe networks (protocol reference 11)."""
        return await operations.callback_addresses(self._http, self._calls)
