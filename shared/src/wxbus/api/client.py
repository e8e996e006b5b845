"""The client of WeChat's API for one account; handlers get it as a parameter."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack, overload

from pydantic import BaseModel
from pydantic_core import to_json

from wxbus.api.answers import JsonObject, decode, may_be_json, read_answer, require_text
from wxbus.api.calls import Calls, Repeat, Sleep
from wxbus.api.download import Download
from wxbus.api.families import Families
from wxbus.api.http import WeChatHttp
from wxbus.api.limits import ApiLimits
from wxbus.api.models import File, MediaId, MediaKind, VideoLink
from wxbus.api.request import Files, Method, Request
from wxbus.api.sends import observed
from wxbus.api.tokens import TokenSource
from wxbus.api.uploads import UploadFile
from wxbus.errors import QuotaExceeded, RateLimited, WeChatError, WeChatUnavailable
from wxbus.wechat.replies.api_message import api_message
from wxbus.wechat.replies.reply import AnyReply

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

TYPING: Final = "/cgi-bin/message/custom/typing"
UPLOAD: Final = "/cgi-bin/media/upload"
DOWNLOAD: Final = "/cgi-bin/media/get"


class CallOptions(TypedDict, total=False):
    """Arguments of `WeChatClient.call`."""

    params: Mapping[str, str | int]
    """The query, without the access token."""
    json: Mapping[str, Any] | Sequence[Any]
    """The body of a POST request; default: an empty object."""
    files: Files
    """A form instead of `json`: files, and texts as other fields."""
    repeat: Repeat
    """Default: NEVER."""
    token: bool
    """Whether the endpoint takes the account's access token; default: True."""
    deadline: float
    """Seconds for the whole call with its repeats; by default each attempt has the client's timeout."""


class WeChatClient(Families):
    """Calls WeChat's API for one account, with the retry policies of protocol reference 12.

    Every method raises:
        WeChatError: WeChat returned an errcode; the subclass decides the reaction.
        WeChatUnavailable: No valid response from WeChat after all retries.
        TokenUnavailable: There is no access token now.
    """

    def __init__(
        self,
        appid: str,
        http: WeChatHttp,
        tokens: TokenSource,
        *,
        limits: ApiLimits | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`limits` counts the calls; None: only WeChat counts them."""
        self.appid = appid
        self._http = http
        self._limits = limits
        self._calls = Calls(appid, tokens, sleep=sleep)

    @overload
    async def call(self, method: Method, path: str, **options: Unpack[CallOptions]) -> JsonObject: ...
    @overload
    async def call(self, method: Method, path: str, *, answer: type[M], **options: Unpack[CallOptions]) -> M: ...
    @overload
    async def call(
        self, method: Method, path: str, *, answer: type[bytes], **options: Unpack[CallOptions]
    ) -> bytes: ...
    @overload
    async def call(self, method: Method, path: str, *, answer: type[File], **options: Unpack[CallOptions]) -> File: ...
    @overload
    async def call(
        self, method: Method, path: str, *, stream: Literal[True], **options: Unpack[CallOptions]
    ) -> Download: ...
    async def call(
        self,
        method: Method,
        path: str,
        *,
        answer: type[BaseModel] | type[bytes] | type[File] | None = None,
        stream: bool = False,
        **options: Unpack[CallOptions],
    ) -> object:
        """Call any endpoint and return its answer.

        Args:
            method: "GET" or "POST".
            path: The path of the endpoint, such as "/cgi-bin/menu/get".
            answer: Type of the result: by default the JSON object; a pydantic model of it; `bytes` or `File` for binary
                answers.
            stream: Return a `Download`, which reads a large answer piece by piece.
            options: See `CallOptions`.

        Raises:
            ValueError: An argument cannot be sent; the text names it. Nothing was sent.
            TypeError: An argument is of the wrong type.
        """
        if stream and answer is not None:
            raise ValueError("answer and stream exclude each other")
        request = Request(method, path, options.get("params", {}), json=options.get("json"), files=options.get("files"))
        read = Download.checked if stream else Download.file if answer is bytes or answer is File else None
        found = await self._answer(request, options, read=read, stream=stream)
        if answer is bytes:
            return found.data
        return read_answer(path, answer.model_validate, found) if answer and issubclass(answer, BaseModel) else found

    async def _answer(
        self,
        request: Request,
        options: CallOptions,
        *,
        read: Callable[[Download], Awaitable[object]] | None = None,
        stream: bool = False,
    ) -> Any:
        """Return the result of `read` for the answer, by default its JSON object."""
        path, deadline = request.path, options.get("deadline")

        async def attempt(token: str | None = None) -> Any:
            if self._limits is not None:
                await self._limits.acquire(self.appid, path)
            try:
                if read is None:
                    return await self._http.json(request, token=token, deadline=deadline)
                return await read(await self._http.answer(request, token=token, deadline=deadline, stream=stream))
            except (QuotaExceeded, RateLimited) as exc:
                error = self._limited(exc)
                if self._limits is not None:
                    await self._limits.refused(self.appid, path, error)
                raise error from exc.__cause__

        make = self._calls.with_token if options.get("token", True) else self._calls.without_token
        made = make(attempt, options.get("repeat", Repeat.NEVER), repeatable=lambda: request.repeatable)
        return await (made if deadline is None else _within(deadline, path, made))

    def _limited(self, error: WeChatError) -> WeChatError:
        """Return the error to raise for too many calls."""
        return error

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:
        """Send one customer-service, template or subscription message to a user (protocol reference 9.1).

        It is repeated only if WeChat surely did not send it.

        Args:
            openid: The user.
            reply: The message. WeChat rejects too long text (45002), see `wxbus.wechat.replies.long_text`.
            kf_account: Send it in the name of this customer-service account.

        Raises:
            ValueError: The reply can only be a passive one.
        """
        path, message = api_message(reply, openid, kf_account=kf_account)
        with observed(self.appid, openid, reply):
            await self._answer(Request("POST", path, content=to_json(message)), {"repeat": Repeat.SEND})

    async def typing(self, openid: str, *, on: bool = True) -> None:
        """Show or hide (`on=False`) the typing indicator (protocol reference 9.1)."""
        command = {"touser": openid, "command": "Typing" if on else "CancelTyping"}
        await self.call("POST", TYPING, json=command, repeat=Repeat.READ)

    async def upload_media(self, kind: MediaKind, filename: str, data: bytes) -> MediaId:
        """Upload temporary media and return its id, valid for 3 days (protocol reference 9.2).

        A retry may leave an unused copy, which expires.
        """
        files = {"media": UploadFile(filename, data)}
        response = await self.call("POST", UPLOAD, params={"type": kind}, files=files, repeat=Repeat.READ)
        response.setdefault("media_id", response.get("thumb_media_id"))  # the name for thumbs of Official Accounts
        return MediaId(require_text(UPLOAD, response, "media_id"))

    async def download_media(self, media_id: str) -> File | VideoLink:
        """Return the file of media, or the URL of a video (protocol reference 9.2)."""
        file = await self.call("GET", DOWNLOAD, params={"media_id": media_id}, answer=File, repeat=Repeat.READ)
        found = decode(file.data) if may_be_json(file.data[:64]) else None
        if found is None or found.keys().isdisjoint(("errcode", "video_url")):
            return file
        return VideoLink(require_text(DOWNLOAD, found, "video_url"))


async def _within(deadline: float, path: str, made: Awaitable[T]) -> T:
    timeout = asyncio.timeout(deadline)
    try:
        async with timeout:
            return await made
    except TimeoutError as exc:
        if not timeout.expired():
            raise
        raise WeChatUnavailable(f"{path}: no answer in {deadline:g} s") from exc
