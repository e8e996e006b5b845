"""Checks reports before they are believed: WeChat is asked whether it accepts the value (decision 0018)."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from wxbus.aio.buckets import Buckets
from wxbus.errors import WeChatUnavailable
from wxbus_token.credentials.store import CredentialStore, Verdict
from wxbus_token.kinds import Credential, digest_of
from wxbus_token.metrics import Metrics

FALSE_REPORTS: Final = 10
"""Reports of one caller that need not be right, for one credential, in one instance."""
ONE_MORE_AFTER: Final = 60.0
"""Seconds after which a caller may be wrong once more."""

log = structlog.get_logger("wxbus.token")


class Inspector:
    """Asks WeChat about reported values, for callers whose reports were right so far."""

    def __init__(
        self, credential_store: CredentialStore, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._credential_store = credential_store
        self._metrics = metrics
        self._budgets: Buckets[tuple[str, str, str]] = Buckets(1 / ONE_MORE_AFTER, FALSE_REPORTS, clock=clock)

    def ignores(self, credential: Credential, by: str) -> bool:
        """Say whether the caller has used up its budget of false reports: its reports are not checked now."""
        if not self._budgets.wait(_budget(credential, by)):
            return False
        self._count(credential, "over_budget")
        return True

    async def judge(self, credential: Credential, value: str, by: str) -> Verdict:
        """Return what a reported value is; `Verdict.CURRENT` if WeChat cannot be asked about it.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        digest = digest_of(value)
        verdict = await self._credential_store.report(credential, digest)
        if verdict is Verdict.CURRENT and (accepted := await self.accepted(credential, value, by)) is not None:
            verdict = await self._credential_store.report(credential, digest, accepted=accepted)
        self._count(credential, verdict.value)
        log.info(
            "token.reported",
            kind=credential.kind,
            appid=credential.appid,
            verdict=verdict.value,
            digest=digest[:8],
            by=by,
        )
        return verdict

    async def accepted(self, credential: Credential, value: str, by: str) -> bool | None:
        """Return whether WeChat accepts the value, None if it cannot be asked. A false report costs the caller one."""
        about = {"kind": credential.kind, "appid": credential.appid, "by": by}
        accepted = None
        if credential.checkable:
            try:
                accepted = await credential.accepted(value)
            except WeChatUnavailable as exc:
                log.warning("token.report_not_checked", reason=str(exc), **about)
        if accepted is not False:
            self._budgets.take(_budget(credential, by))
        if accepted:
            log.warning("token.report_contradicted", **about)
        return accepted

    def _count(self, credential: Credential, verdict: str) -> None:
        self._metrics.reports.labels(credential.kind, credential.appid, verdict).inc()


def _budget(credential: Credential, by: str) -> tuple[str, str, str]:
    return by, credential.kind, credential.appid
