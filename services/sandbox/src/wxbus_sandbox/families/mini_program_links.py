"""Links to a Mini Program."""

import secrets
from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.mini_program_codes import EnvVersion
from wxbus.api.endpoints.mini_program_links import (
    CloudPage,
    ExpireAfter,
    ExpireAt,
    LinkTarget,
    MiniProgramLinks,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

NO_LINK: Final = 85403
WRONG_EXPIRY: Final = 85401
TOO_MANY: Final = 85400
DAY: Final = 86400
MOST_DAYS: Final = 30
MAX_PERMANENT: Final = 100_000


class LinkState(Part):
    """The links of one Mini Program."""

    def __init__(self) -> None:
        self.targets: dict[str, LinkTarget] = {}
        self.permanent = 0


class MiniProgramLinksTwin(Twin, MiniProgramLinks):
    """Keeps the targets of links."""

    async def create_scheme(
        self,
        expiry: ExpireAfter | ExpireAt,
        *,
        path: str | None = None,
        query: str | None = None,
        env_version: EnvVersion | None = None,
    ) -> str:
        """Keep a scheme."""
        return self._keep(f"weixin://dl/business/?t={secrets.token_urlsafe(8)}", expiry, path, query, env_version)

    async def scheme_info(self, scheme: str) -> LinkTarget:
        """Return the target of a scheme."""
        return self._target(scheme)

    async def create_url_link(
        self,
        expiry: ExpireAfter | ExpireAt,
        *,
        path: str | None = None,
        query: str | None = None,
        env_version: EnvVersion | None = None,
        cloud_page: CloudPage | None = None,
    ) -> str:
        """Keep a URL Link."""
        return self._keep(f"https://wxaurl.cn/{secrets.token_urlsafe(8)}", expiry, path, query, env_version)

    async def url_link_info(self, url_link: str) -> LinkTarget:
        """Return the target of a URL Link."""
        return self._target(url_link)

    async def create_short_link(self, page: str, *, title: str | None = None, permanent: bool = False) -> str:
        """Return a link."""
        state = self.call.state(LinkState)
        if permanent and state.permanent >= MAX_PERMANENT:
            raise ApiError(TOO_MANY)
        state.permanent += permanent
        return f"#小程序://{title or self.call.account.name}/{secrets.token_urlsafe(8)}"

    def _keep(
        self,
        link: str,
        expiry: ExpireAfter | ExpireAt,
        path: str | None,
        query: str | None,
        env_version: EnvVersion | None,
    ) -> str:
        now = self.call.sandbox.clock.now()
        until = now + expiry.days * DAY if isinstance(expiry, ExpireAfter) else expiry.moment.timestamp()
        if not now < until <= now + MOST_DAYS * DAY:
            raise ApiError(WRONG_EXPIRY)
        self.call.state(LinkState).targets[link] = LinkTarget(
            appid=self.call.account.appid,
            path=path or "",
            query=query or "",
            env_version=env_version or "release",
            create_time=datetime.fromtimestamp(now, UTC),
            expire_time=int(until),
        )
        return link

    def _target(self, link: str) -> LinkTarget:
        target = self.call.state(LinkState).targets.get(link)
        if target is None or self.call.sandbox.clock.now() >= target.expire_time:
            raise ApiError(NO_LINK)
        return target
