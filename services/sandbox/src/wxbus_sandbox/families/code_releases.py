"""Upload, audit and release of a Mini Program's code: each audit passes, and ends with an event."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.code_releases import CodeReleases
from wxbus.api.endpoints.code_versions import (
    AuditItem,
    AuditStatus,
    CodeVersion,
    LatestAudit,
    PreviewInfo,
    ReleasedVersion,
    TrialVersion,
    UgcDeclaration,
    Versions,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

AUDIT_RUNNING: Final = 85009
NO_AUDIT: Final = 85012
NOTHING_AUDITED: Final = 85019
AUDIT_NOT_PASSED: Final = 85020
NO_OLDER_VERSION: Final = 87011
NO_TRIAL: Final = 86001
PASSED: Final = 0
RUNNING: Final = 2
WITHDRAWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    name: str
    desc: str
    time: datetime


class CodeState(Part):
    """The code of one Mini Program."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.trial: _Version | None = None
        self.audits: dict[str, int] = {}
        """States of audits by id."""
        self.audited: _Version | None = None
        self.released: list[_Version] = []


class CodeReleasesTwin(Twin, CodeReleases):
    """Keeps the trial version, its audit and the releases."""

    async def commit(self, template_id: str, user_version: str, user_desc: str, *, ext_json: str = "{}") -> None:
        """Make a trial version."""
        state = self.call.state(CodeState)
        now = datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        state.trial = _Version(next(state.numbers), user_version, user_desc, now)

    async def submit(
        self,
        *,
        items: Sequence[AuditItem] | None = None,
        preview: PreviewInfo | None = None,
        version_desc: str | None = None,
        feedback: str | None = None,
        feedback_media: str | None = None,
        ugc_declare: UgcDeclaration | None = None,
        privacy_api_not_use: bool | None = None,
        order_path: str | None = None,
    ) -> str:
        """Begin an audit."""
        state = self.call.state(CodeState)
        if state.trial is None:
            raise ApiError(NO_TRIAL)
        if RUNNING in state.audits.values():
            raise ApiError(AUDIT_RUNNING)
        audit_id = str(len(state.audits) + 1)
        state.audits[audit_id] = RUNNING
        state.audited = state.trial

        def finish() -> None:
            if state.audits[audit_id] == RUNNING:
                state.audits[audit_id] = PASSED

        fields = {"SuccTime": int(self.call.sandbox.clock.wall())}
        self.call.results.push(self.call.account, "weapp_audit_success", fields, before=finish)
        return audit_id

    async def audit(self, audit_id: str) -> AuditStatus:
        """Return the status of an audit."""
        found = self.call.state(CodeState).audits.get(audit_id)
        if found is None:
            raise ApiError(NO_AUDIT)
        return AuditStatus(status=found)

    async def latest_audit(self) -> LatestAudit:
        """Return the latest audit."""
        audits = self.call.state(CodeState).audits
        if not audits:
            raise ApiError(NO_AUDIT)
        audit_id, status = next(reversed(audits.items()))
        return LatestAudit(auditid=audit_id, status=status)

    async def withdraw_audit(self) -> None:
        """Withdraw the running audit."""
        audits = self.call.state(CodeState).audits
        running = [audit_id for audit_id, status in audits.items() if status == RUNNING]
        if not running:
            raise ApiError(NO_AUDIT)
        audits[running[0]] = WITHDRAWN

    async def release(self) -> None:
        """Release the audited version."""
        state = self.call.state(CodeState)
        if state.audited is None:
            raise ApiError(NOTHING_AUDITED)
        if next(reversed(state.audits.values())) != PASSED:
            raise ApiError(AUDIT_NOT_PASSED)
        state.released.append(state.audited)
        state.audited = None

    async def older_versions(self) -> list[CodeVersion]:
        """Return the versions before the released one."""
        return [
            CodeVersion(app_version=one.number, user_version=one.name, user_desc=one.desc, commit_time=one.time)
            for one in self.call.state(CodeState).released[:-1]
        ]

    async def roll_back(self, *, app_version: int | None = None) -> None:
        """Go back to an older version."""
        released = self.call.state(CodeState).released
        older = [one.number for one in released[:-1]]
        wanted = app_version or (older[-1] if older else 0)
        if wanted not in older:
            raise ApiError(NO_OLDER_VERSION)
        del released[older.index(wanted) + 1 :]

    async def versions(self) -> Versions:
        """Return the trial version and the released one."""
        state = self.call.state(CodeState)
        trial, released = state.trial, state.released[-1] if state.released else None
        exp_info = TrialVersion(exp_time=trial.time, exp_version=trial.name, exp_desc=trial.desc) if trial else None
        release_info = None
        if released:
            release_info = ReleasedVersion(
                release_time=released.time, release_version=released.name, release_desc=released.desc
            )
        return Versions(exp_info=exp_info, release_info=release_info)
