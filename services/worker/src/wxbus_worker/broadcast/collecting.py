"""Collects the recipients of a broadcast from WeChat: the users with a tag, or all followers."""

from typing import Final

from pydantic import BaseModel

from wxbus.api.calls import Repeat
from wxbus.api.client import WeChatClient
from wxbus_worker.store.broadcasts import Broadcasts, Plan

FOLLOWERS: Final = "/cgi-bin/user/get"
TAGGED: Final = "/cgi-bin/user/tag/get"
PART: Final = 1_000
"""Recipients that are added by one script."""


class _Openids(BaseModel):
    openid: list[str] = []


class _Page(BaseModel):
    data: _Openids = _Openids()
    """Absent in the page after the last one."""
    next_openid: str = ""


async def collect(broadcasts: Broadcasts, plan: Plan, client: WeChatClient) -> None:
    """Add all recipients and start the broadcast; continue after the last page that was added.

    A page is at most 10,000 openids, so the memory does not depend on the number of followers.

    Raises:
        WeChatError: WeChat refuses the list.
        Unavailable: WeChat does not answer; the next call continues.
    """
    cursor, state = plan.cursor, plan.state
    while state == "collecting":  # until it runs, or is paused or cancelled
        page = await _page(client, plan, cursor)
        openids, next_cursor = page.data.openid, page.next_openid
        for start in range(0, len(openids), PART):
            await broadcasts.add(plan.id, openids[start : start + PART], cursor=cursor)
        cursor = next_cursor
        state, _ = await broadcasts.add(plan.id, (), complete=not openids or not cursor, cursor=cursor)


async def _page(client: WeChatClient, plan: Plan, cursor: str) -> _Page:
    if plan.tag is None:
        return await client.call(
            "GET", FOLLOWERS, params={"next_openid": cursor} if cursor else {}, repeat=Repeat.READ, answer=_Page
        )
    body = {"tagid": plan.tag, "next_openid": cursor}
    return await client.call("POST", TAGGED, json=body, repeat=Repeat.READ, answer=_Page)
