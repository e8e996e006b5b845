"""Composes pushes with WeChat's fields, with made-up values for missing ones (protocol reference 5, 6)."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from wxbus.accounts.models import Account, AccountKind
from wxbus.wechat.documents.codec import Format, Renderable
from wxbus.wechat.documents.document import Document
from wxbus_sandbox.models import SendRequest
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.media import PICTURE, MediaStore

TYPES: Final = ("text", "image", "voice", "video", "shortvideo", "location", "link", "file", "miniprogrampage")
"""The types of message that users can send."""

Push: TypeAlias = dict[str, Any]
"""The fields of a push, with the types of WeChat's JSON."""


class Composer:
    """Composes pushes, each with a new MsgId."""

    def __init__(self, clock: Clock, media: MediaStore, public_url: Callable[[str], str]) -> None:
        """`public_url` returns the address of a media id."""
        self._clock = clock
        self._media = media
        self._public_url = public_url
        # Higher than in earlier runs: receivers remember ids for days.
        self._last_id = time.time_ns() // 1000

    def compose(self, account: Account, request: SendRequest) -> Push:
        """Return the push for a request; raises ValueError for an unknown type."""
        if request.message is not None:
            return request.message
        created_at = int(self._clock.wall())
        if account.kind is AccountKind.COMPONENT:
            return {"AppId": account.appid, "CreateTime": created_at, "InfoType": request.type, **request.fields}
        push: Push = {
            "ToUserName": original_id(account),
            "FromUserName": request.openid,
            "CreateTime": created_at,
            "MsgType": "event" if request.event else request.type,
        }
        if request.event:
            push["Event"] = request.event
            if request.event.lower() == "subscribe":
                push["EventKey"] = ""
        else:
            if request.type not in TYPES and "MsgType" not in request.fields:
                known = ", ".join((*TYPES, "event"))
                raise ValueError(f"unknown type {request.type!r}; known: {known}; for others: --field MsgType=NAME")
            push |= self._content(account, request.type, request.fields)
            self._last_id += 1
            push["MsgId"] = self._last_id
        if account.kind is AccountKind.WECOM:
            push["AgentID"] = account.agent_id or 1
        return push | request.fields

    def _content(self, account: Account, kind: str, fields: Mapping[str, Any]) -> Push:
        content: Push = {}
        match kind:
            case "text":
                content = {"Content": ""}
            case "image":
                media_id = self._upload(account, "image", "picture.png", fields)
                content = {"PicUrl": self._public_url(media_id), "MediaId": media_id}
            case "voice":
                content = {"MediaId": self._upload(account, "voice", "voice.amr", fields), "Format": "amr"}
            case "video" | "shortvideo":
                content = {
                    "MediaId": self._upload(account, "video", "video.mp4", fields),
                    "ThumbMediaId": self._upload(account, "thumb", "thumb.jpg", {}),
                }
            case "location":
                content = {"Location_X": "39.908821", "Location_Y": "116.397469", "Scale": 16, "Label": "Tiananmen"}
            case "link":
                content = {"Title": "A page", "Description": "", "Url": "https://example.com/"}
            case "file":
                digest = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()  # WeChat's key of the file
                content = {"Title": "picture.png", "Description": "", "FileKey": digest, "FileMd5": digest}
                content["FileTotalLen"] = len(PICTURE)
            case "miniprogrampage":
                thumb = self._upload(account, "thumb", "thumb.jpg", {})
                content = {"Title": "A page", "AppId": account.appid, "PagePath": "pages/index/index"}
                content |= {"ThumbUrl": self._public_url(thumb), "ThumbMediaId": thumb}
        return content

    def _upload(self, account: Account, kind: str, filename: str, fields: Mapping[str, Any]) -> str:
        """Return the id of the file that the user sends: the one in `fields`, or that of a new file."""
        if media_id := fields.get("MediaId"):
            return str(media_id)
        return self._media.add(account.appid, kind, filename, PICTURE).media_id


def original_id(account: Account) -> str:
    """Return WeCom's corpid, or a made-up original id of the account, derived from its appid."""
    if account.kind is AccountKind.WECOM:
        return account.effective_receive_id
    return f"gh_{hashlib.sha256(account.appid.encode()).hexdigest()[:12]}"


def scalars(push: Push) -> Document:
    """Return the texts and numbers of a push as a document."""
    return {name: str(value) for name, value in push.items() if isinstance(value, str | int)}


def renderable(value: Any, form: Format) -> Renderable:
    """Return a value of a push for `codec.render`; XML has only texts and integers."""
    if isinstance(value, Mapping):
        return {name: renderable(member, form) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [renderable(item, form) for item in value]
    if form is Format.JSON or (isinstance(value, str | int) and not isinstance(value, bool)):
        scalar: Renderable = value  # JSON has other types, too
        return scalar
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
