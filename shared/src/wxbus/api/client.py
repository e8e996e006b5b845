"""The client of WeChat's API for one account; handlers get it as a parameter."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr

from wxbus.api.calls import READ_DELAYS, SEND_DELAYS, Calls, Sleep
from wxbus.api.credentials import CALLBACK_IP
from wxbus.api.http import JsonObject, WeChatHttp, require_text
from wxbus.api.models import File, Login, MediaId, MediaKind, VideoLink
from wxbus.api.tokens import TokenSource
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat.replies.customer_service import customer_service_message
from wxbus.wechat.replies.reply import AnyReply

SEND: Final = "/cgi-bin/message/custom/send"
TYPING: Final = "/cgi-bin/message/custom/typing"
UPLOAD: Final = "/cgi-bin/media/upload"
DOWNLOAD: Final = "/cgi-bin/media/get"
LOGIN: Final = "/sns/jscode2session"
HARMLESS: Final = frozenset({Policy.OK, Policy.IGNORE})


class WeChatClient:
    """Calls WeChat's API for one account, with the retry policies of protocol reference 12.

    Every method raises:
        WeChatError: WeChat returned an errcode; `policy` is the recommended reaction.
        WeChatUnavailable: No valid response from WeChat after all retries.
        TokenUnavailable: There is no access token now.
    """

    def __init__(self, appid: str, http: WeChatHttp, tokens: TokenSource, *, sleep: Sleep = asyncio.sleep) -> None:
        self.appid = appid
        self._http = http
        self._calls = Calls(appid, tokens, sleep=sleep)

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:
        """Send one customer-service message to a user, with at most one retry (protocol reference 9.1).

        Args:
            openid: The user.
            reply: The message. WeChat rejects too long text (45002), see `wxbus.wechat.replies.long_text`.
            kf_account: Send it in the name of this customer-service account.

        Raises:
            ValueError: The reply cannot be a customer-service message.
        """
        await self._post(SEND, customer_service_message(reply, openid, kf_account=kf_account), SEND_DELAYS)

    async def typing(self, openid: str, *, on: bool = True) -> None:
        """Show or hide (`on=False`) the typing indicator (protocol reference 9.1)."""
        await self._post(TYPING, {"touser": openid, "command": "Typing" if on else "CancelTyping"}, READ_DELAYS)

    async def upload_media(self, kind: MediaKind, filename: str, data: bytes) -> MediaId:
        """Upload temporary media and return its id, valid for 3 days (protocol reference 9.2).

        A retry may leave an unused copy, which expires.
        """
        response = await self._calls.with_token(
            lambda token: self._http.post_file(
                UPLOAD, {"access_token": token, "type": kind}, field="media", filename=filename, data=data
            ),
            READ_DELAYS,
        )
        response.setdefault("media_id", response.get("thumb_media_id"))  # the name for thumbs of Official Accounts
        return MediaId(require_text(UPLOAD, response, "media_id"))

    async def download_media(self, media_id: str) -> File | VideoLink:
        """Return the file of media, or the URL of a video (protocol reference 9.2)."""
        found = await self._calls.with_token(
            lambda token: self._http.get_file(DOWNLOAD, {"access_token": token, "media_id": media_id}), READ_DELAYS
        )
        return found if isinstance(found, File) else VideoLink(require_text(DOWNLOAD, found, "video_url"))

    async def login(self, js_code: str, secret: SecretStr) -> Login:
        """Return the user of a Mini Program's login code (protocol reference 10).

        It is never retried: a code is valid once, and a retry would hide the first error.

        Args:
            js_code: The code that `wx.login` returned.
            secret: The AppSecret.

        Raises:
            WeChatError: 40029 or 40163: the code is wrong or used, the client must log in again; 40226: high risk.
            WeChatUnavailable: No valid response; the code may be used.
        """
        query = {
            "appid": self.appid,
            "secret": secret.get_secret_value(),
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        response = await self._http.get(LOGIN, query)
        unionid = response.get("unionid")
        return Login(
            require_text(LOGIN, response, "openid"),
            SecretStr(require_text(LOGIN, response, "session_key")),
            unionid if isinstance(unionid, str) else None,
        )

    async def callback_addresses(self) -> list[str]:
        """Return the IP addresses and networks that callbacks come from (protocol reference 11)."""
        response = await self._calls.with_token(
            lambda token: self._http.get(CALLBACK_IP, {"access_token": token}), READ_DELAYS
        )
        addresses = response.get("ip_list")
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise WeChatUnavailable(f"{CALLBACK_IP}: the response has no ip_list")
        return addresses

    async def _post(self, path: str, payload: JsonObject, delays: Sequence[float]) -> None:
        try:
            await self._calls.with_token(lambda token: self._http.post(path, payload, {"access_token": token}), delays)
        except WeChatError as error:
            if error.policy not in HARMLESS:
                raise
