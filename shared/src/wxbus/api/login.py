"""Log-in of Mini Program users (protocol reference 10)."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from wxbus.api.http import WeChatHttp
from wxbus.errors import WeChatUnavailable

PATH: Final = "/sns/jscode2session"


@dataclass(frozen=True, slots=True)
class Login:
    """A user who logged in."""

    openid: str
    session_key: SecretStr
    """Stays on the server: it signs and decrypts what the user's page sends."""
    unionid: str | None
    """The same for all accounts of one open platform account; None without one."""


async def login(http: WeChatHttp, appid: str, js_code: str, secret: SecretStr) -> Login:
    """Return who `js_code` stands for. Never repeated: a code can be used once, so a repeat would hide what went wrong.

    Raises:
        WeChatError: 40029 or 40163: the code is bad or used, the client must log in again; 40226: refused.
        WeChatUnavailable: No usable answer; the code may be used up.
    """
    answer = await http.get(
        PATH,
        {
            "appid": appid,
            "secret": secret.get_secret_value(),
            "js_code": js_code,
            "grant_type": "authorization_code",
        },
    )
    openid, session_key = answer.get("openid"), answer.get("session_key")
    if not isinstance(openid, str) or not isinstance(session_key, str):
        raise WeChatUnavailable(f"{PATH}: the answer has no openid or no session_key")
    unionid = answer.get("unionid")
    return Login(openid, SecretStr(session_key), unionid if isinstance(unionid, str) else None)
