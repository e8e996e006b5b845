"""What a push says: WeChat's fields for what a user did, made up where nobody named them (protocol reference 5, 6)."""

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
"""What a user can send."""

Push: TypeAlias = dict[str, Any]
"""One push; numbers are numbers, as WeChat's JSON has them."""


class Composer:
    """Composes pushes; no two of them have the same MsgId."""

    def __init__(self, clock: Clock, media: MediaStore, public_url: Callable[[str], str]) -> None:
        """`public_url` gives the address of a media id."""
        self._clock = clock
        self._media = media
        self._public_url = public_url
        # Later than those of an earlier run: a receiver remembers ids for days.
        self._last_id = time.time_ns() // 1000

    def compose(self, account: Account, request: SendRequest) -> Push:
        """Return the push that a request asks for; raises ValueError for a type that no user can send."""
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
                there = ", ".join((*TYPES, "event"))
                raise ValueError(f"unknown type {request.type!r}; there are {there}; another: --field MsgType=NAME")
            push |= self._content(account, request.type, request.fields)
            self._last_id += 1
            push["MsgId"] = self._last_id
        if account.kind is AccountKind.WECOM:
            push["AgentID"] = 1
        return push | request.fields

    def _content(self, account: Account, kind: str, given: Mapping[str, Any]) -> Push:
        made: Push = {}
        match kind:
            case "text":
                made = {"Content": ""}
            case "image":
                media_id = self._upload(account, "image", "picture.png", given)
                made = {"PicUrl": self._public_url(media_id), "MediaId": media_id}
            case "voice":
                made = {"MediaId": self._upload(account, "voice", "voice.amr", given), "Format": "amr"}
            case "video" | "shortvideo":
                made = {
                    "MediaId": self._upload(account, "video", "video.mp4", given),
                    "ThumbMediaId": self._upload(account, "thumb", "thumb.jpg", {}),
                }
            case "location":
                made = {"Location_X": "39.908821", "Location_Y": "116.397469", "Scale": 16, "Label": "Tiananmen"}
            case "link":
                made = {"Title": "A page", "Description": "", "Url": "https://example.com/"}
            case "file":
                digest = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()  # what WeChat calls it by
                made = {"Title": "picture.png", "Description": "", "FileKey": digest, "FileMd5": digest}
                made["FileTotalLen"] = len(PICTURE)
            case "miniprogrampage":
                thumb = self._upload(account, "thumb", "thumb.jpg", {})
                made = {"Title": "A page", "AppId": account.appid, "PagePath": "pages/index/index"}
                made |= {"ThumbUrl": self._public_url(thumb), "ThumbMediaId": thumb}
        return made

    def _upload(self, account: Account, kind: str, filename: str, given: Mapping[str, Any]) -> str:
        """Return the id of a file that the user sends, the one given if there is one."""
        if media_id := given.get("MediaId"):
            return str(media_id)
        return self._media.add(account.appid, kind, filename, PICTURE).media_id


def original_id(account: Account) -> str:
    """Return the account's original id, which only WeChat knows: made up of its appid."""
    return f"gh_{hashlib.sha256(account.appid.encode()).hexdigest()[:12]}"


def scalars(push: Push) -> Document:
    """Return the texts and numbers of a push as a document has them."""
    return {name: str(value) for name, value in push.items() if isinstance(value, str | int)}


def renderable(value: Any, form: Format) -> Renderable:
    """Return a member of a push as `codec.render` takes it: XML has text and integers only."""
    if isinstance(value, Mapping):
        return {name: renderable(member, form) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [renderable(item, form) for item in value]
    if form is Format.JSON or (isinstance(value, str | int) and not isinstance(value, bool)):
        found: Renderable = value  # JSON has the rest as well
        return found
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
