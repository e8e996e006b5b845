"""WeChat's API in memory."""

from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, SecretStr

from wxbus.api.client import WeChatClient
from wxbus.api.models import File, Login, MediaId, MediaKind, VideoLink
from wxbus.api.request import Method, Request
from wxbus.errors import WeChatError
from wxbus.wechat.replies.reply import AnyReply

INVALID_MEDIA_ID = 40007


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

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:  # noqa: ARG002 - the real one's
        """Append the reply to `sent`."""
        self.sent.append((openid, reply))

    async def typing(self, openid: str, *, on: bool = True) -> None:
        """Do nothing."""

    async def upload_media(self, kind: MediaKind, filename: str, data: bytes) -> MediaId:
        """Store it in `uploads`."""
        media_id = MediaId(f"media-{len(self.uploads) + 1}")
        self.uploads[media_id] = Upload(kind, filename, data)
        return media_id

    async def download_media(self, media_id: str) -> File | VideoLink:
        """Return the entry of `media`, or raise WeChatError 40007 as WeChat does."""
        if media_id not in self.media:
            raise WeChatError(INVALID_MEDIA_ID, "invalid media_id", call="/cgi-bin/media/get")
        return self.media[media_id]

    async def login(self, js_code: str, secret: SecretStr) -> Login:
        """Raise NotImplementedError: a test overrides it."""
        raise NotImplementedError(f"login({js_code!r}): override login in a subclass of RecordingWeChat")

    def __getattr__(self, name: str) -> NoReturn:
        raise NotImplementedError(f"RecordingWeChat has no {name}: subclass it and add what your test needs")
