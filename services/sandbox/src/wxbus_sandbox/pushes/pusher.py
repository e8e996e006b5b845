"""Pushes to ingress as WeChat does: within 5 s, in three attempts with the same MsgId (protocol reference 4.1)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import structlog

from wxbus.accounts.models import Account, AccountKind
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.documents.document import text
from wxbus_sandbox.models import (
    BAD_DAY,
    Attempt,
    Outcome,
    SendResult,
    Trouble,
    VerifyResult,
)
from wxbus_sandbox.pushes.composer import Push
from wxbus_sandbox.pushes.encoder import EncodedPush, PushEncoder
from wxbus_sandbox.pushes.exchange import Exchange, exchange
from wxbus_sandbox.pushes.traced import TracedPush
from wxbus_sandbox.pushes.validator import ReplyValidator, Verdict
from wxbus_sandbox.state import Sandbox

REPEATS: Final = 3
CLOSED_WITHIN: Final = 0.02
"""Seconds until a bad day closes a connection at the latest."""
OUTAGE_NOTICES: Final = {
    AccountKind.OFFICIAL_ACCOUNT: "该公众号提供的服务出现故障，请稍后再试",
    AccountKind.MINI_PROGRAM: "该小程序提供的服务出现故障，请稍后再试",
}
"""The text that users see after all attempts have failed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """The common data of all attempts of one push."""

    path: str
    """The address's path after `/wechat/`."""
    encoder: PushEncoder
    validator: ReplyValidator
    push: Push
    mode: Mode
    form: Format
    key: str
    """The user or the platform of the push, for the troubles of a bad day."""
    traced: TracedPush


class Pusher:
    """Pushes to `{ingress_url}/wechat/{account}`, or `/wechat/{platform}/{appid}` for a platform's authorizer."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, ingress_url: str) -> None:
        self._sandbox = sandbox
        self._session = session
        self._ingress_url = ingress_url.rstrip("/")

    async def push(
        self,
        account: Account,
        push: Push,
        mode: Mode,
        form: Format,
        *,
        platform: Account | None = None,
        copies: int = 1,
        logged: bool = True,
    ) -> SendResult:
        """Push until WeChat would stop, and return the result.

        Args:
            account: The account whose push it is.
            push: The fields.
            mode: The encryption mode.
            form: XML or JSON.
            platform: The third-party platform to push to, which the account has authorised.
            copies: How often to push the same message, whatever the responses are.
            logged: Whether the result is logged.

        Raises:
            ConfigurationError: The account has no key for this mode.
        """
        days, key = self._sandbox.bad_days, str(push.get("FromUserName", push.get("AppId", "")))
        encoder = PushEncoder(platform or account, wrong_key=days.draw(Trouble.KEY, key) > 0)
        copies = max(copies, REPEATS) if days.draw(Trouble.REPEATS, key) else copies
        path = f"{platform.name}/{account.appid}" if platform else account.name
        media = self._sandbox.media
        validator = ReplyValidator(
            account, encoder, self._sandbox.rules, lambda media_id: media.is_valid(account.appid, media_id)
        )
        traced = TracedPush(self._sandbox.traces)
        delivery = _Delivery(path, encoder, validator, push, mode, form, key, traced)
        started = self._sandbox.clock.now()
        if delay := days.draw(Trouble.DISORDER, key) * days.day.seconds:
            await self._sandbox.faults.pause(delay)
        attempts: list[Attempt] = []

        def result_of(verdict: Verdict, *, shown: str | None = None) -> SendResult:
            return SendResult(
                account=account.name,
                openid=str(push["FromUserName"]) if "FromUserName" in push else None,
                msg_id=str(push["MsgId"]) if "MsgId" in push else None,
                time=started,
                message=push,
                attempts=tuple(attempts),
                outcome=verdict.outcome,
                reply=verdict.reply,
                shown=shown,
                trace_id=traced.trace_id,
            )

        def retried(verdict: Verdict) -> None:
            self._sandbox.retried.add(result_of(verdict))

        verdict = Verdict(Outcome.FAILED)
        for copy_number in range(1, copies + 1):
            verdict = await self._until_settled(delivery, copy_number, attempts, retried)
        result = result_of(verdict, shown=_shown(account, verdict))
        self._sandbox.pushes.add(result)
        if logged:
            log.info(
                "sandbox.pushed",
                account=account.name,
                msg_id=result.msg_id,
                outcome=result.outcome,
                attempts=len(attempts),
                reason=attempts[-1].reason,
            )
        return result

    async def verify(self, account: Account) -> VerifyResult:
        """Return whether the console would accept the account's address (protocol reference 1.2).

        Raises:
            ConfigurationError: The account has no key.
        """
        query, expected = PushEncoder(account).verification(now=self._sandbox.clock.wall())
        response = await self.exchange("GET", account.name, query)
        accepted = response.status == 200 and response.body == expected.encode()
        return VerifyResult(accepted=accepted, status=response.status, body=response.text, reason=response.failure)

    async def _until_settled(
        self, delivery: _Delivery, copy_number: int, attempts: list[Attempt], retried: Callable[[Verdict], None]
    ) -> Verdict:
        """Push one copy, adding each attempt to `attempts`; return the verdict on the last one.

        `retried` gets the verdict on each attempt that is followed by another attempt.
        """
        rules, loop = self._sandbox.rules, asyncio.get_running_loop()
        verdict = Verdict(Outcome.FAILED)
        for number in range(rules.push_attempts):
            begun = loop.time()
            now = self._sandbox.clock.wall() + self._sandbox.bad_days.skew(delivery.key)
            request = delivery.encoder.encode(delivery.push, delivery.mode, delivery.form, now=now)
            with delivery.traced.attempt(delivery.path, request) as traced:
                response = await self._attempt(delivery, request, traced.traceparent)
                traced.answered(response.status, response.body, response.failure)
            if response.status == 200:
                verdict = delivery.validator.validate(delivery.push, delivery.mode, delivery.form, response.body)
            else:
                verdict = Verdict(Outcome.FAILED, response.failure or f"status {response.status}, not 200")
            attempts.append(
                Attempt(
                    status=response.status,
                    body=response.text,
                    ms=response.ms,
                    outcome=verdict.outcome,
                    reason=verdict.reason,
                    copy_number=copy_number,
                )
            )
            if verdict.outcome.settled:
                break
            if number + 1 < rules.push_attempts:
                retried(verdict)
                await asyncio.sleep(begun + rules.push_spacing - loop.time())
        return verdict

    async def _attempt(self, delivery: _Delivery, request: EncodedPush, traceparent: str) -> Exchange:
        """Return the response to one attempt; a bad day may close the connection or lose the answer."""
        days = self._sandbox.bad_days
        closed = days.draw(Trouble.CLOSED, delivery.key)
        made = self.exchange("POST", delivery.path, request.query, request.body, request.content_type, traceparent)
        if closed:
            try:
                async with asyncio.timeout(closed * CLOSED_WITHIN):
                    await made
            except TimeoutError:
                pass
            return Exchange(None, b"", 0.0, f"the connection was closed{BAD_DAY}")
        response = await made
        if days.draw(Trouble.LOST, delivery.key):
            return Exchange(None, b"", response.ms, f"the answer was lost{BAD_DAY}")
        return response

    async def exchange(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes = b"",
        content_type: str = "",
        traceparent: str = "",
    ) -> Exchange:
        """Return status and body of one request to ingress."""
        url, timeout = f"{self._ingress_url}/wechat/{path}", self._sandbox.rules.push_timeout
        return await exchange(
            self._session, method, url, query, body, content_type, timeout=timeout, traceparent=traceparent
        )


def _shown(account: Account, verdict: Verdict) -> str | None:
    if not verdict.outcome.settled:
        return OUTAGE_NOTICES.get(account.kind)
    if verdict.outcome is Outcome.REPLIED and verdict.reply is not None and text(verdict.reply, "MsgType") == "text":
        return text(verdict.reply, "Content")
    return None
