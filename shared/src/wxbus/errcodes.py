"""WeChat's error codes and the reaction to each (protocol reference 12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Policy(StrEnum):
    """The reaction to an errcode."""

    OK = "ok"
    REFRESH = "refresh"
    """Report the token as invalid and retry once with the new token.

    In a call that fetches a token, 40001 means a wrong secret; it is not retried.
    """
    BACKOFF = "backoff"
    """Retry with increasing, jittered delays within a limit; a send at most once."""
    WAIT = "wait"
    """Retry after `ErrorCode.wait` at the earliest."""
    REAUTH = "reauth"
    """The user or the authoriser must act."""
    RELOGIN = "relogin"
    """The Mini Program must call `wx.login` again: the code or session key is invalid."""
    STOP = "stop"
    """Do not retry; report it."""
    DROP = "drop"
    """Give up on this recipient and continue with others."""
    IGNORE = "ignore"
    """Harmless."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One errcode."""

    code: int
    meaning: str
    policy: Policy
    alert: bool = False
    """An operator must be alerted."""
    wait: int | None = None
    """Minimum seconds before a retry; None: unknown, or until WeChat's day ends."""


MINUTE: Final = 60
HOUR: Final = 3600

_TABLE: Final = (
    ErrorCode(0, "ok", Policy.OK),
    ErrorCode(-1, "system busy; a send may have been done all the same", Policy.BACKOFF),
    # Tokens and codes
    ErrorCode(40001, "invalid credential, or not the latest token", Policy.REFRESH),
    ErrorCode(40014, "invalid access_token", Policy.REFRESH),
    ErrorCode(42001, "access_token expired", Policy.REFRESH),
    ErrorCode(48012, "invalid token", Policy.REFRESH),
    ErrorCode(41001, "access_token missing", Policy.STOP),
    ErrorCode(40002, "wrong grant_type", Policy.STOP),
    ErrorCode(40013, "wrong appid", Policy.STOP),
    ErrorCode(40125, "wrong secret", Policy.STOP, alert=True),
    ErrorCode(40164, "the caller's IP address is not on the allow-list", Policy.STOP, alert=True),
    ErrorCode(45035, "the caller's IP address is not registered", Policy.STOP, alert=True),
    ErrorCode(60020, "the caller's IP address is not allowed (WeCom)", Policy.STOP, alert=True),
    ErrorCode(40243, "the secret is frozen", Policy.STOP, alert=True),
    ErrorCode(50004, "no access to tokens", Policy.STOP, alert=True),
    ErrorCode(50007, "the account is frozen", Policy.STOP, alert=True),
    ErrorCode(89501, "the administrator must confirm the IP address", Policy.STOP, alert=True),
    ErrorCode(89503, "the administrator must confirm the IP address", Policy.STOP, alert=True),
    ErrorCode(89504, "the administrator must confirm the IP address", Policy.STOP, alert=True),
    ErrorCode(89505, "the administrator must confirm the IP address", Policy.STOP, alert=True),
    ErrorCode(89506, "the administrator refused the IP address", Policy.STOP, alert=True, wait=24 * HOUR),
    ErrorCode(89507, "the administrator refused the IP address", Policy.STOP, alert=True, wait=HOUR),
    ErrorCode(40029, "the code is wrong or expired", Policy.RELOGIN),
    ErrorCode(40163, "the code was used before", Policy.STOP),
    ErrorCode(40226, "high-risk user, login refused", Policy.STOP),
    ErrorCode(42003, "the OAuth code is expired", Policy.STOP),
    ErrorCode(40030, "wrong refresh_token", Policy.REAUTH),
    ErrorCode(42002, "refresh_token expired", Policy.REAUTH),
    ErrorCode(42007, "the user changed their password, tokens are void", Policy.REAUTH),
    ErrorCode(87007, "there is no session key", Policy.RELOGIN),
    ErrorCode(87008, "wrong sig_method", Policy.RELOGIN),
    ErrorCode(87009, "wrong signature of the session key", Policy.RELOGIN),
    # Recipients
    ErrorCode(40003, "wrong openid, or not a follower", Policy.DROP),
    ErrorCode(43004, "the user must follow first", Policy.DROP),
    ErrorCode(50005, "the user does not follow", Policy.DROP),
    ErrorCode(43019, "the user is on the blacklist", Policy.DROP),
    ErrorCode(43101, "the user refused the subscription message", Policy.DROP),
    ErrorCode(45015, "the customer-service window is closed", Policy.DROP),
    ErrorCode(45047, "no customer-service messages are left until the user acts", Policy.DROP),
    ErrorCode(48002, "the follower refuses messages", Policy.DROP),
    ErrorCode(70000, "not sent, for the protection of minors", Policy.DROP),
    ErrorCode(43104, "openid and appid do not match", Policy.STOP),
    # Sending
    ErrorCode(45065, "this clientmsgid was sent before", Policy.OK),
    ErrorCode(45066, "this clientmsgid was tried less than a minute ago", Policy.WAIT, wait=MINUTE),
    ErrorCode(45067, "clientmsgid is too long", Policy.STOP),
    ErrorCode(43107, "the template is banned", Policy.STOP),
    ErrorCode(43108, "several sends to one user at once", Policy.BACKOFF),
    ErrorCode(45072, "wrong typing command", Policy.IGNORE),
    ErrorCode(45080, "typing: the user did nothing in the last 30 seconds", Policy.IGNORE),
    ErrorCode(45081, "typing: shown already", Policy.IGNORE),
    ErrorCode(45087, "customer service is blocked", Policy.STOP, alert=True),
    ErrorCode(45093, "customer service has no quota", Policy.STOP, alert=True),
    ErrorCode(45094, "no messages on entering the session, as a penalty", Policy.STOP, alert=True),
    ErrorCode(45168, "a word is on the blacklist", Policy.STOP),
    ErrorCode(87014, "risky content", Policy.STOP),
    ErrorCode(45002, "the content is too long", Policy.STOP),
    ErrorCode(45008, "too many articles", Policy.STOP),
    ErrorCode(48008, "no permission for this type of message", Policy.STOP),
    # Limits
    ErrorCode(45009, "the day's quota is used up", Policy.WAIT),
    ErrorCode(45011, "too many calls in this minute", Policy.WAIT, wait=MINUTE),
    ErrorCode(44991, "too many calls in this minute", Policy.WAIT, wait=MINUTE),
    ErrorCode(87020, "repeated too often", Policy.WAIT),
    ErrorCode(45029, "no QR codes are left, ever", Policy.STOP),
    ErrorCode(48006, "clear_quota was called too often", Policy.STOP),
    # Permissions
    ErrorCode(48001, "the account may not call this", Policy.STOP),
    ErrorCode(48004, "the call is banned for violations", Policy.STOP, alert=True),
    ErrorCode(50001, "the user did not authorise the call", Policy.STOP),
    ErrorCode(50002, "the user or the account is limited", Policy.STOP, alert=True),
    # Media, menus and users
    ErrorCode(40004, "wrong type of media", Policy.STOP),
    ErrorCode(40005, "wrong type of file", Policy.STOP),
    ErrorCode(40006, "wrong size of file", Policy.STOP),
    ErrorCode(40007, "wrong media_id, or older than three days: upload it again", Policy.STOP),
    ErrorCode(40008, "wrong type of message", Policy.STOP),
    ErrorCode(45064, "the menu names a Mini Program that is not bound", Policy.STOP),
    ErrorCode(46001, "there is no such media", Policy.STOP),
    ErrorCode(46002, "there is no such version of the menu", Policy.STOP),
    ErrorCode(46003, "there is no such menu", Policy.STOP),
    ErrorCode(46004, "there is no such user", Policy.STOP),
    ErrorCode(46007, "the file is being transcoded", Policy.BACKOFF),
    # How the call is written
    ErrorCode(40033, "illegal characters", Policy.STOP),
    ErrorCode(40035, "wrong parameters", Policy.STOP),
    ErrorCode(40036, "wrong length of template_id", Policy.STOP),
    ErrorCode(40037, "wrong template_id", Policy.STOP),
    ErrorCode(40097, "wrong parameters", Policy.STOP),
    ErrorCode(40129, "wrong scene", Policy.STOP),
    ErrorCode(40132, "wrong WeChat id", Policy.STOP),
    ErrorCode(40159, "wrong path", Policy.STOP),
    ErrorCode(40169, "wrong length of scene", Policy.STOP),
    ErrorCode(41002, "appid missing", Policy.STOP),
    ErrorCode(41004, "secret missing", Policy.STOP),
    ErrorCode(41006, "media_id missing", Policy.STOP),
    ErrorCode(41008, "code missing", Policy.STOP),
    ErrorCode(41009, "openid missing", Policy.STOP),
    ErrorCode(41018, "component_appid missing", Policy.STOP),
    ErrorCode(41030, "there is no such page", Policy.STOP),
    ErrorCode(43001, "GET expected", Policy.STOP),
    ErrorCode(43002, "POST expected", Policy.STOP),
    ErrorCode(43003, "HTTPS expected", Policy.STOP),
    ErrorCode(44002, "empty body", Policy.STOP),
    ErrorCode(47001, "the body is not JSON or XML", Policy.STOP),
    ErrorCode(47002, "the body has escaped characters", Policy.STOP),
    ErrorCode(47003, "a template value breaks its rule", Policy.STOP),
    ErrorCode(76001, "wrong rid", Policy.STOP),
    ErrorCode(76002, "wrong rid", Policy.STOP),
    ErrorCode(76003, "the rid is of another account", Policy.STOP),
    ErrorCode(76004, "the rid is older than seven days", Policy.STOP),
    ErrorCode(76021, "wrong cgi_path, or wrong token for it", Policy.STOP),
    ErrorCode(76022, "wrong cgi_path, or wrong token for it", Policy.STOP),
    ErrorCode(85096, "a reserved parameter was used", Policy.STOP),
    # Third-party platforms
    ErrorCode(42006, "component_access_token expired", Policy.REFRESH),
    ErrorCode(61003, "the account has not authorised the platform", Policy.REAUTH),
    ErrorCode(61004, "the platform's IP address is not registered", Policy.STOP, alert=True),
    ErrorCode(61005, "the component ticket is expired", Policy.WAIT, wait=10 * MINUTE),
    ErrorCode(61006, "the component ticket is wrong", Policy.WAIT, wait=10 * MINUTE),
    ErrorCode(61058, "the component ticket is wrong", Policy.WAIT, wait=10 * MINUTE),
    ErrorCode(61007, "the platform may not call this for the account", Policy.STOP),
    ErrorCode(61009, "the code is wrong", Policy.STOP),
    ErrorCode(61010, "the code is expired, or the user was not active in the last two hours", Policy.STOP),
    ErrorCode(61011, "wrong component", Policy.STOP),
    ErrorCode(61014, "the wrong kind of token for this call", Policy.STOP),
    ErrorCode(61015, "the wrong kind of token for this call", Policy.STOP),
    ErrorCode(61024, "the wrong kind of token for this call", Policy.STOP),
    ErrorCode(61016, "the platform must confirm the category of the call", Policy.STOP),
    ErrorCode(61023, "wrong refresh_token", Policy.REAUTH),
)

ERROR_CODES: Final[Mapping[int, ErrorCode]] = {entry.code: entry for entry in _TABLE}
"""All known codes."""


def error_code(code: int) -> ErrorCode:
    """Return the entry of `code`; an unknown code has the policy STOP."""
    return ERROR_CODES.get(code) or ErrorCode(code, "unknown", Policy.STOP)
