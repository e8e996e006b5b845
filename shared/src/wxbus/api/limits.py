"""How often each endpoint may be called, per account (protocol reference 12) or corp (WeCom reference 1.3, 3.5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from wxbus.errors import ConfigurationError, WeChatError

DAY_QUOTA: Final = 45009
MINUTE_LIMIT: Final = 45011
CLOSING: Final = frozenset({DAY_QUOTA, MINUTE_LIMIT, 44991})
"""Errcodes after which no further call can succeed for a time."""
FORM: Final = re.compile(r"(\d+)/(day|hour|minute)")


@dataclass(frozen=True, slots=True)
class Limit:
    """Calls of one endpoint for one account; 0: not limited."""

    day: int = 0
    """WeChat's day ends at midnight in China."""
    minute: int = 0
    hour: int = 0

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Return the limit of a text such as `500000/day, 4000/minute`, or `none`.

        Raises:
            ConfigurationError: It has another form.
        """
        parts = [part.strip() for part in text.split(",")]
        matches = [FORM.fullmatch(part) for part in parts]
        if text.strip() == "none":
            return cls()
        if not all(matches):
            raise ConfigurationError(f"API limit {text!r}: must be like `9000/day, 900/hour, 90/minute`, or `none`")
        return cls(**{match[2]: int(match[1]) for match in matches if match})


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The limits of one API, by path."""

    by_path: Mapping[str, Limit]
    others: Limit = Limit()
    """The limit of each path that is not in `by_path`."""
    per_user: Mapping[str, Limit] = field(default_factory=dict)
    """Messages of one account to one user, by path."""


WECHAT: Final = LimitTable(
    {
        "/cgi-bin/menu/create": Limit(day=1_000),
        "/cgi-bin/menu/get": Limit(day=10_000),
        "/cgi-bin/menu/delete": Limit(day=1_000),
        "/cgi-bin/menu/addconditional": Limit(day=2_000),
        "/cgi-bin/menu/delconditional": Limit(day=2_000),
        "/cgi-bin/menu/trymatch": Limit(day=20_000),
        "/cgi-bin/message/custom/send": Limit(day=500_000),
        "/cgi-bin/message/template/send": Limit(day=100_000),
        "/cgi-bin/message/mass/preview": Limit(day=100),
        "/cgi-bin/message/mass/send": Limit(day=100, minute=60),
        "/cgi-bin/message/mass/sendall": Limit(day=100, minute=60),
        "/cgi-bin/message/device/subscribe/send": Limit(day=10_000_000),
        "/cgi-bin/media/upload": Limit(day=100_000),
        "/cgi-bin/media/get": Limit(day=200_000),
        "/cgi-bin/media/uploadnews": Limit(day=10),
        "/cgi-bin/qrcode/create": Limit(day=100_000),
        "/cgi-bin/user/get": Limit(day=500),
        "/cgi-bin/user/info": Limit(day=5_000_000),
        "/cgi-bin/user/info/updateremark": Limit(day=10_000),
        "/cgi-bin/groups/create": Limit(day=1_000),
        "/cgi-bin/groups/get": Limit(day=1_000),
        "/cgi-bin/groups/update": Limit(day=1_000),
        "/cgi-bin/groups/members/update": Limit(day=100_000),
        "/sns/userinfo": Limit(minute=50_000),
        "/wxa/getwxacodeunlimit": Limit(minute=5_000),
        "/wxa/generatescheme": Limit(day=500_000),
        "/wxa/generate_urllink": Limit(day=500_000),
        "/wxa/genwxashortlink": Limit(day=10_000_000),
        "/wxa/msg_sec_check": Limit(day=2_000_000, minute=4_000),
        "/wxa/media_check_async": Limit(day=200_000, minute=2_000),
        "/wxa/resetusersessionkey": Limit(minute=60_000),
        "/wxaapi/userlog/userlog_search": Limit(minute=50),
    }
)
"""WeChat's public figures, those of verified accounts with at most 100,000 followers."""

_SEND: Final = "/cgi-bin/message/send"
WECOM: Final = LimitTable(
    {_SEND: Limit(), "/cgi-bin/appchat/send": Limit(minute=20_000, hour=150_000)},
    others=Limit(minute=10_000, hour=150_000),
    per_user={_SEND: Limit(minute=30, hour=1_000)},
)
"""WeCom's public figures, those of small corps. It drops messages to a member over the limit without an error."""


class ApiLimits(Protocol):
    """Counts the calls of all processes."""

    async def acquire(self, appid: str, path: str) -> None:
        """Count a call that is made now.

        Raises:
            RateLimited: The calls of this minute or hour are used up, by our count or by WeChat's.
            QuotaExceeded: The calls of this day are used up.
        """
        ...

    async def acquire_user(self, appid: str, path: str, user: str) -> None:
        """Count a message that is sent to this user now, as far as messages to one user are limited.

        Raises:
            RateLimited: The messages of this minute or hour are used up.
        """
        ...

    async def refused(self, appid: str, path: str, error: WeChatError) -> None:
        """Make no further calls for a time: WeChat refused a call because of its limits."""
        ...
