"""WeChat's API in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pydantic import BaseModel

from wxbus.api.client import WeChatClient
from wxbus.api.models import File, MediaId, MediaKind, VideoLink
from wxbus.api.request import Method, Request
from wxbus.api.sends import observed
from wxbus.errcodes import error_code
from wxbus.errors import WeChatError
from wxbus.wechat.replies.api_message import api_message
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.reply import AnyReply, Text
from wxbus.wechat.replies.sockets import SocketReply

INVALID_MEDIA_ID: Final = 40007
CONTENT_TOO_LONG: Final = 45002
WRONG_OPENID: Final = 40003
WRONG_SIZE: Final = 40006
MAX_BYTES: Final[Mapping[MediaKind, int]] = {
    "image": 10 << 20,
    "voice": 2 << 20,
    "video": 10 << 20,
    "thumb": 64 << 10,
    "file": 20 << 20,
}


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file."""

    kind: MediaKind
    filename: str
    data: bytes


class RecordingWeChat(WeChatClient):
    """Records all calls. Subclass it to answer calls as a test needs."""

    def __init__(self, appid: str = "wx_test") -> None:
        self.appid = appid
        self.sent: list[tuple[str, AnyReply]] = []
        """Openid and reply, oldest first."""
        self.uploads: dict[str, Upload] = {}
        """By media id: `media-1`, `media-2` ..."""
        self.media: dict[str, File | VideoLink] = {}
        """Results of `download_media` by media id; the test sets them."""
        self.calls: list[tuple[Method, str, dict[str, Any]]] = []
        """Method, path and options of each `call`, oldest first."""
        self.answers: dict[str, Any] = {}
        """Results of `call` by path, or errors that it raises; the test sets them."""
        self.refusals: list[int] = []
        """Errcodes with which the next messages are refused, such as 45015; 0: that message is accepted."""

    async def call(self, method: Method, path: str, **options: Any) -> Any:
        """Append the call to `calls`; return the entry of `answers`, a dict as the model that the caller wants."""
        Request(method, path, options.get("params", {}), json=options.get("json"), files=options.get("files"))
        self.calls.append((method, path, options))
        if path not in self.answers:
            raise NotImplementedError(f"RecordingWeChat has no answer to {path}: set answers[{path!r}]")
        found, model = self.answers[path], options.get("answer")
        if isinstance(found, Exception):
            raise found
        return model.model_validate(found) if model and issubclass(model, BaseModel) else found

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:
        """Append the reply to `sent`; refuse it as the client or WeChat does."""
        path, _ = api_message(reply, openid, kf_account=kf_account)
        with observed(self.appid, openid, reply):
            self._refuse(path, openid, reply)
            self.sent.append((openid, reply))

    def _refuse(self, path: str, openid: str, reply: AnyReply) -> None:
        too_long = isinstance(reply, Text) and len(split_text(reply.content)) > 1
        code = CONTENT_TOO_LONG if too_long else WRONG_OPENID if not openid else 0
        if code := code or (self.refusals.pop(0) if self.refusals else 0):
            raise WeChatError(code, error_code(code).meaning, call=path)

    async def typing(self, openid: str, *, on: bool = True) -> None:
        """Do nothing."""

    async def upload_media(self, kind: MediaKind, filename: str, data: bytes) -> MediaId:
        """Store it in `uploads`; refuse a file that is empty or too large, as WeChat does (protocol reference 9.2)."""
        if not 0 < len(data) <= MAX_BYTES[kind]:
            raise WeChatError(WRONG_SIZE, error_code(WRONG_SIZE).meaning, call="/cgi-bin/media/upload")
        media_id = MediaId(f"media-{len(self.uploads) + 1}")
        self.uploads[media_id] = Upload(kind, filename, data)
        return media_id

    async def download_media(self, media_id: str) -> File | VideoLink:
        """Return the entry of `media`, or raise WeChatError 40007 as WeChat does."""
        if media_id not in self.media:
            raise WeChatError(INVALID_MEDIA_ID, "invalid media_id", call="/cgi-bin/media/get")
        return self.media[media_id]

    def __getattr__(self, name: str) -> NoReturn:
        raise NotImplementedError(f"RecordingWeChat has no {name}: subclass it and add what your test needs")


class RecordingSockets:
    """Records pushes and changes of groups beside the messages (implements `SocketSender`)."""

    def __init__(self, wechat: RecordingWeChat) -> None:
        self._wechat = wechat

    async def send(self, _appid: str, openid: str, reply: SocketReply, *, message_id: str) -> None:  # noqa: ARG002
        """Append the reply to `sent`."""
        self._wechat.sent.append((openid, reply))
