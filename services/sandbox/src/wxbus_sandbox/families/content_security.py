"""Checks of what users publish."""

import secrets
from typing import Any, Final

from wxbus.api.endpoints.content_security import ContentSecurity, Finding, MediaType, Scene, TextCheck, Verdict
from wxbus.api.uploads import UploadFile
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError

NOT_ACTIVE: Final = 61010
RISKY: Final = 87014
RISKY_WORDS: Final = ("特3456书yuuo莞6543李zxcz蒜7782法fgnv级", "sandbox-risky")
"""The first is WeChat's own example of a text that it refuses."""
ADVERTISING: Final = 10001
NORMAL: Final = 100


class ContentSecurityTwin(Twin, ContentSecurity):
    """Finds the words in `RISKY_WORDS`, in texts, file names and addresses of media."""

    async def check_text(
        self,
        content: str,
        openid: str,
        scene: Scene,
        *,
        title: str | None = None,
        nickname: str | None = None,
        signature: str | None = None,
    ) -> TextCheck:
        """Check a text."""
        self._check_user(openid)
        found = _verdict(" ".join(filter(None, (content, title, nickname, signature))))
        finding = Finding(strategy="content_model", prob=90, **found)
        return TextCheck(trace_id=_trace_id(), result=Verdict(**found), detail=(finding,))

    async def check_media(self, url: str, media_type: MediaType, openid: str, scene: Scene) -> str:
        """Begin to check media; the result is an event."""
        self._check_user(openid)
        trace_id, found = _trace_id(), _verdict(url)
        fields = {
            "appid": self.call.account.appid,
            "trace_id": trace_id,
            "version": 2,
            "errcode": 0,
            "errmsg": "ok",
            "result": found,
            "detail": [{"strategy": "content_model", "errcode": 0, "prob": 90, **found}],
        }
        self.call.results.push(self.call.account, "wxa_media_check", fields, openid=openid)
        return trace_id

    async def check_image(self, image: UploadFile) -> None:
        """Check an image by its name."""
        if _verdict(image.filename)["label"] != NORMAL:
            raise ApiError(RISKY)

    def _check_user(self, openid: str) -> None:
        appid = self.call.account.appid
        self.call.sandbox.users.check_openid(appid, openid)
        if not self.call.sandbox.users.is_known(appid, openid):
            raise ApiError(NOT_ACTIVE)


def _verdict(text: str) -> dict[str, Any]:
    risky = any(word in text for word in RISKY_WORDS)
    return {"suggest": "risky", "label": ADVERTISING} if risky else {"suggest": "pass", "label": NORMAL}


def _trace_id() -> str:
    return f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(8)}"
