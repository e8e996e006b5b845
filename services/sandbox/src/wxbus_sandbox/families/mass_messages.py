"""Messages to many followers."""

import itertools
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wxbus.api.endpoints.mass_content import MassArticles, MassMessage, MassVideo
from wxbus.api.endpoints.mass_messages import MassJob, MassMessages, MassSpeed, MassStatus
from wxbus_sandbox.families.drafts import DraftState
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.families.users import UserState
from wxbus_sandbox.models import Sent
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

SENT_BEFORE: Final = 45065
NO_TAG: Final = 40152
NO_MESSAGE: Final = 40059
NOT_DELETABLE: Final = 40204
WRONG_NAME: Final = 40132
CLIENT_ID_SECONDS: Final = 24 * 3600
REAL_SPEEDS: Final = (80, 60, 45, 30, 10)
"""By speed, in 10,000 messages a minute."""


@dataclass(slots=True)
class _Job:
    msg_id: int
    msg_data_id: int | None
    status: str = "SENDING"


class MassState(Part):
    """The mass messages of one account."""

    def __init__(self) -> None:
        self.jobs: dict[str, _Job] = {}
        self.client_ids: dict[str, tuple[_Job, float]] = {}
        """Messages and times by the caller's ids."""
        self.speed = 0
        self.ids = itertools.count(time.time_ns())
        """More than 2**53: no program may read an id as a float."""


class MassMessagesTwin(Twin, MassMessages):
    """Delivers the messages; each ends with an event."""

    async def send_to_all(
        self, message: MassMessage, *, client_id: str | None = None, send_ignore_reprint: bool | None = None
    ) -> MassJob:
        """Send to all followers."""
        followers = self.call.sandbox.users.followers(self.call.account.appid)
        return await self._send(message, followers, client_id, send_ignore_reprint)

    async def send_to_tag(
        self,
        tag_id: int,
        message: MassMessage,
        *,
        client_id: str | None = None,
        send_ignore_reprint: bool | None = None,
    ) -> MassJob:
        """Send to the followers with a tag."""
        state = self.call.state(UserState)
        if tag_id not in state.tags:
            raise ApiError(NO_TAG)
        tagged = [openid for openid, tags in state.tags_of.items() if tag_id in tags]
        return await self._send(message, tagged, client_id, send_ignore_reprint)

    async def send_to_users(
        self,
        openids: Sequence[str],
        message: MassMessage,
        *,
        client_id: str | None = None,
        send_ignore_reprint: bool | None = None,
    ) -> MassJob:
        """Send to users."""
        return await self._send(message, openids, client_id, send_ignore_reprint)

    async def preview(self, openid: str, message: MassMessage) -> None:
        """Send to one user; a draft is kept."""
        if isinstance(message, MassArticles):
            self.call.state(DraftState).draft(message.media_id)
        await self._deliver([self.call.sandbox.users.check_openid(self.call.account.appid, openid)])

    async def preview_by_name(self, wechat_name: str, message: MassMessage) -> None:
        """Refuse: the sandbox's users have no WeChat ids."""
        raise ApiError(WRONG_NAME)

    async def delete(self, msg_id: str, *, article: int = 0) -> None:
        """Delete a sent message of articles or a video."""
        job = self._job(msg_id)
        if job.msg_data_id is None:
            raise ApiError(NOT_DELETABLE)
        job.status = "DELETE"

    async def delete_by_url(self, url: str) -> None:
        """Delete the message of an article, by the address in its event."""
        found = next((job for job in self.call.state(MassState).jobs.values() if f"/{job.msg_data_id}-" in url), None)
        if found is None:
            raise ApiError(NOT_DELETABLE)
        found.status = "DELETE"

    async def status(self, msg_id: str) -> MassStatus:
        """Return the status of a message."""
        return MassStatus(msg_id=msg_id, msg_status=self._job(msg_id).status)

    async def speed(self) -> MassSpeed:
        """Return the speed."""
        speed = self.call.state(MassState).speed
        return MassSpeed(speed=speed, realspeed=REAL_SPEEDS[speed])

    async def set_speed(self, speed: int) -> None:
        """Set the speed."""
        self.call.state(MassState).speed = speed

    async def _send(
        self, message: MassMessage, openids: Iterable[str], client_id: str | None, _reprint: bool | None
    ) -> MassJob:
        state, now = self.call.state(MassState), self.call.sandbox.clock.now()
        before, sent_at = state.client_ids.get(client_id or "", (None, 0.0))
        if before is not None and now < sent_at + CLIENT_ID_SECONDS:
            raise ApiError(SENT_BEFORE, msg_id=before.msg_id, msg_data_id=before.msg_data_id)
        articles = 0
        if isinstance(message, MassArticles):
            articles = len(self.call.state(DraftState).take(message.media_id).articles)
        data_id = next(state.ids) if isinstance(message, MassArticles | MassVideo) else None
        job = _Job(next(state.ids), data_id)
        state.jobs[str(job.msg_id)] = job
        if client_id is not None:
            state.client_ids[client_id] = (job, now)
        users, appid = self.call.sandbox.users, self.call.account.appid
        total = [*dict.fromkeys(openids)]
        reached = [openid for openid in total if not users.has_unsubscribed(appid, openid)]
        await self._deliver(reached)

        def finish() -> None:
            job.status = "SEND_SUCCESS"

        self.call.results.push(
            self.call.account, "MASSSENDJOBFINISH", _result(job, len(total), len(reached), articles), before=finish
        )
        return MassJob(msg_id=str(job.msg_id), msg_data_id=None if data_id is None else str(data_id))

    async def _deliver(self, openids: Sequence[str]) -> None:
        account, payload = self.call.account, json.loads(await self.call.request.read())
        for openid in openids:
            self.call.sandbox.sent.add(
                Sent(
                    time=self.call.sandbox.clock.now(),
                    account=account.name,
                    appid=account.appid,
                    openid=openid,
                    msgtype=payload["msgtype"],
                    payload=payload,
                )
            )

    def _job(self, msg_id: str) -> _Job:
        found = self.call.state(MassState).jobs.get(msg_id)
        if found is None:
            raise ApiError(NO_MESSAGE)
        return found


def _result(job: _Job, total: int, reached: int, articles: int) -> dict[str, Any]:
    """Return the fields of the event (protocol reference 6.1)."""
    urls = [
        {"ArticleIdx": number, "ArticleUrl": f"http://mp.weixin.qq.com/s/{job.msg_data_id}-{number}"}
        for number in range(1, articles + 1)
    ]
    return {
        "MsgID": job.msg_id,
        "Status": "send success",
        "TotalCount": total,
        "FilterCount": reached,
        "SentCount": reached,
        "ErrorCount": 0,
        "CopyrightCheckResult": {"Count": 0, "ResultList": "", "CheckState": 1},
        "ArticleUrlResult": {"Count": len(urls), "ResultList": {"item": urls} if urls else ""},
    }
