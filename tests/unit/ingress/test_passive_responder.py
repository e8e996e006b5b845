"""Callbacks that wait for a worker: the answers to WeChat, and the notes to the worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from wechatpy.crypto import WeChatCrypto

from tests.support.metrics import until_metric
from tests.support.pushes import AES_KEY, APPID, TOKEN, Push, a_push, a_text
from tests.unit.ingress.conftest import ALL_MODES, an_account
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.passive_answer import REPLY_TO, PassiveAnswer, reply_id_of
from wxbus.errors import SpoolUnavailable
from wxbus.runtime.sockets import listening_socket
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import matches
from wxbus.wechat.documents.codec import Format, parse
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.replies.event_response import MINIGAME_DEADLINE
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.passive.attempts import remaining_attempts
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.settings import Limits

NOW = 1_700_000_000
LONG = 60.0
"""Seconds of a budget that no test uses up."""
SOON, WAITS = 1.0, 1.2
"""Seconds of a budget that tests wait for, and of WeChat's timeout with it."""
REPLY = PassiveAnswer({"ToUserName": "o_user", "MsgType": "text", "CreateTime": NOW, "Content": "您好 ]]>"}, "reply_id")
NEW_KEY = AES_KEY.swapcase()
FORMER = {"token": TOKEN, "aes_key": AES_KEY}

ACCOUNTS = Accounts(
    {
        account.name: account
        for account in (
            an_account("passive", appid=APPID, modes=ALL_MODES, reply="passive"),
            an_account("window", modes=(Mode.PLAIN,), reply="passive", late_reply="retry_window"),
            an_account("mini", modes=ALL_MODES, kind=AccountKind.MINI_PROGRAM, reply="transfer"),
            an_account("sends", modes=(Mode.PLAIN,)),
            an_account("corp", kind=AccountKind.WECOM, reply="passive"),
            an_account("changing", reply="passive", token="new", aes_key=NEW_KEY, previous_keys=[FORMER]),
            an_account("platform", kind=AccountKind.COMPONENT, formats=("xml",), reply="passive"),
        )
    }
)


@dataclass
class Worker:
    """An inbox with a worker that answers at once."""

    waiting: PendingAnswers
    answer: Callable[[Envelope], None] | None = None
    """Called with each callback that awaits an answer."""
    published: list[Envelope] = field(default_factory=list)
    notes: "asyncio.Queue[Envelope]" = field(default_factory=asyncio.Queue)
    notes_pass: asyncio.Event = field(default_factory=asyncio.Event)
    full: bool = False

    async def publish(self, envelope: Envelope, *, budget: float) -> None:  # noqa: ARG002 - the port's signature
        """Store the envelope."""
        if self.full:
            raise SpoolUnavailable("full")
        if envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY:
            self.notes.put_nowait(envelope)
            await self.notes_pass.wait()
            return
        self.published.append(envelope)
        if self.answer is not None:
            self.answer(envelope)

    def answers_with(self, answer: PassiveAnswer | None) -> None:
        """Give every callback this answer; None: the connection is lost."""

        def say(envelope: Envelope) -> None:
            if answer is None:
                self.waiting.lost()
            else:
                self.waiting.answered(envelope.correlation_id or "", answer)

        self.answer = say


@dataclass
class Site:
    """A running ingress, its worker, and WeChat."""

    url: str
    http: aiohttp.ClientSession
    worker: Worker
    registry: CollectorRegistry

    async def post(self, push: Push, *, account: str = "passive") -> tuple[int, bytes, str]:
        """Return status, body and content type of the answer to a push."""
        async with self.http.post(f"{self.url}/wechat/{account}", params=push.query, data=push.body) as answer:
            return answer.status, await answer.read(), answer.content_type

    def counted(self, account: str, outcome: str) -> float:
        """Return the number of callbacks with an outcome."""
        labels = {"account": account, "outcome": outcome}
        return self.registry.get_sample_value("wxbus_ingress_passive_replies_total", labels) or 0


@asynccontextmanager
async def a_site(**limits: Any) -> AsyncIterator[Site]:
    """Start everything."""
    waiting, registry = PendingAnswers(), CollectorRegistry()
    worker = Worker(waiting)
    worker.notes_pass.set()
    settings = Limits(**{"budget": LONG, "max_age": 300, **limits})
    app = build_app(settings, ACCOUNTS, worker, pending=waiting, registry=registry)
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port, aiohttp.ClientSession() as http:
        yield Site(f"http://127.0.0.1:{port}", http, worker, registry)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """An ingress with a long budget."""
    async with a_site() as site:
        yield site


def opened(body: bytes, mode: Mode, nonce: str = "1320562132", receive_id: str = APPID) -> Document:
    """Return an answer as WeChat decrypts it."""
    document = parse(body)
    if mode is Mode.PLAIN:
        return document
    encrypted = text(document, "Encrypt")
    assert text(document, "Nonce") == nonce
    assert matches(text(document, "MsgSignature"), TOKEN, text(document, "TimeStamp"), nonce, encrypted)
    return parse(Cipher(AES_KEY, receive_id).decrypt(encrypted))


def an_event(event: str, **fields: str) -> Document:
    """An event of the platform."""
    header = {"ToUserName": "gh_carrier", "FromUserName": "o_wechat", "CreateTime": str(NOW), "MsgType": "event"}
    return {**header, "Event": event, **fields}


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("mode", ALL_MODES)
async def test_the_reply_has_the_mode_and_format_of_the_push(site: Site, mode: Mode, form: Format) -> None:
    """It is encrypted and signed if the push was, and a note follows in the lane."""
    site.worker.answers_with(REPLY)
    status, body, content_type = await site.post(a_push(mode=mode, format=form))
    assert (status, content_type) == (200, "text/xml" if form is Format.XML else "application/json")
    found = opened(body, mode)
    assert (found["Content"], found["CreateTime"]) == ("您好 ]]>", str(NOW))
    [envelope] = site.worker.published
    note = await site.worker.notes.get()
    assert (note.kind, note.lane, reply_id_of(note)) == (EnvelopeKind.DELIVERED_PASSIVELY, envelope.lane, "reply_id")
    assert (note.reply_to, note.id != envelope.id) == (None, True)
    assert site.counted("passive", "replied") == 1


async def test_an_independent_implementation_reads_the_reply(site: Site) -> None:
    """It verifies the signature, decrypts, and compares the appid, as WeChat does."""
    site.worker.answers_with(REPLY)
    _, body, _ = await site.post(a_push())
    outer = parse(body)
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    decrypted = crypto.decrypt_message(
        body.decode(), text(outer, "MsgSignature"), text(outer, "TimeStamp"), text(outer, "Nonce")
    )
    assert parse(decrypted.encode())["Content"] == "您好 ]]>"


async def test_the_reply_uses_the_keys_of_the_push(site: Site) -> None:
    """The file changes before WeChat's console: until then WeChat has only the previous keys."""
    site.worker.answers_with(REPLY)
    receive_id = f"{APPID}-changing"
    status, body, _ = await site.post(a_push(receive_id=receive_id), account="changing")
    assert (status, opened(body, Mode.SECURE, receive_id=receive_id)["Content"]) == (200, "您好 ]]>")

    _, body, _ = await site.post(a_push(token="new", aes_key=NEW_KEY, receive_id=receive_id), account="changing")
    encrypted = text(parse(body), "Encrypt")
    assert matches(text(parse(body), "MsgSignature"), "new", text(parse(body), "TimeStamp"), "1320562132", encrypted)
    assert parse(Cipher(NEW_KEY, receive_id).decrypt(encrypted))["Content"] == "您好 ]]>"


async def test_wecom_is_answered_with_its_own_receive_id(site: Site) -> None:
    """The receive id of the account is used."""
    site.worker.answers_with(REPLY)
    push = a_push(receive_id=f"{APPID}-corp").but(encrypt_type=None, signature=None)
    _, body, _ = await site.post(push, account="corp")
    assert opened(body, Mode.SECURE, receive_id=f"{APPID}-corp")["Content"] == "您好 ]]>"


GAME: Document = {
    "ToUserName": "gh_1",
    "FromUserName": "o_wechat",
    "CreateTime": "1",
    "MsgType": "event",
    "Event": "minigame_deliver_goods",
    "MiniGame": {"OrderId": "1", "ToUserOpenid": "o_player"},
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("form", Format)
async def test_a_mini_game_is_answered_without_encryption(site: Site, mode: Mode, form: Format) -> None:
    """A mini game reads a plain `ErrCode`, whatever the mode of the push; the default is success."""
    push = a_push(GAME, mode=mode, format=form)
    for answer, code in ((PassiveAnswer(), "0"), (PassiveAnswer({"ErrCode": 7, "ErrMsg": "no"}, "reply_id"), "7")):
        site.worker.answers_with(answer)
        status, body, _ = await site.post(push)
        assert (status, text(parse(body), "ErrCode")) == (200, code)
    envelope = site.worker.published[-1]
    assert (envelope.openid, envelope.lane) == ("o_player", f"{APPID}:o_player")


async def test_a_mini_game_has_a_shorter_deadline(site: Site) -> None:
    """WeChat repeats a mini game's event after 3 s: the handler has less than that."""
    site.worker.answers_with(PassiveAnswer())
    await site.post(a_push(GAME))
    [envelope] = site.worker.published
    assert envelope.expiration is not None
    assert envelope.expiration < MINIGAME_DEADLINE < 3


async def test_the_envelope_has_the_time_left(site: Site) -> None:
    """The worker gets the time left and where to answer; the id of the envelope correlates answers."""
    site.worker.answers_with(PassiveAnswer())
    await site.post(a_push())
    [envelope] = site.worker.published
    assert (envelope.reply_to, envelope.correlation_id) == (REPLY_TO, envelope.id)
    assert envelope.expiration is not None
    assert LONG / 2 < envelope.expiration < LONG


async def test_the_note_follows_the_answer(site: Site) -> None:
    """If ingress is killed in between, the reply is sent twice; in the other order it would be lost."""
    site.worker.answers_with(REPLY)
    site.worker.notes_pass.clear()
    status, body, _ = await site.post(a_push(mode=Mode.PLAIN))  # WeChat has the reply, the note is not published yet
    assert (status, opened(body, Mode.PLAIN)["Content"]) == (200, "您好 ]]>")
    await site.worker.notes.get()
    site.worker.notes_pass.set()


@pytest.mark.parametrize("answer", [PassiveAnswer(), None], ids=["nothing", "lost"])
async def test_waiting_ends_without_a_reply(site: Site, answer: PassiveAnswer | None) -> None:
    """The handler has no reply, or the connection to RabbitMQ is lost, and the answer with it."""
    site.worker.answers_with(answer)
    assert await site.post(a_push()) == (200, b"success", "text/plain")
    assert site.worker.notes.empty()


async def test_an_answer_after_the_deadline_is_dropped() -> None:
    """WeChat got `success`; no note is published."""
    async with a_site(budget=SOON) as site:
        assert await site.post(a_push()) == (200, b"success", "text/plain")
        [envelope] = site.worker.published
        site.worker.waiting.answered(envelope.id, REPLY)
        assert site.worker.notes.empty()
        assert site.counted("passive", "timeout") == 1


async def test_of_two_answers_the_first_counts(site: Site) -> None:
    """A worker dies after its answer, and the next one answers again."""

    def twice(envelope: Envelope) -> None:
        site.worker.waiting.answered(envelope.id, REPLY)
        site.worker.waiting.answered(envelope.id, PassiveAnswer())

    site.worker.answer = twice
    _, body, _ = await site.post(a_push(mode=Mode.PLAIN))
    assert b"\xe6\x82\xa8" in body


async def test_without_a_connection_there_is_no_note(site: Site) -> None:
    """WeChat disconnected, so the reply is sent by customer service."""
    asked = asyncio.Event()
    site.worker.answer = lambda _: asked.set()
    posting = asyncio.create_task(site.post(a_push()))
    await asked.wait()
    posting.cancel()
    await asyncio.wait([posting])
    await until_metric(site.registry, "wxbus_ingress_connections", 0)
    site.worker.waiting.answered(site.worker.published[0].id, REPLY)
    labels = {"account": "passive", "outcome": "disconnected"}
    await until_metric(site.registry, "wxbus_ingress_passive_replies_total", 1, **labels)
    assert site.worker.notes.empty()


async def test_a_lost_note_does_not_change_the_answer(site: Site) -> None:
    """WeChat has the reply; the worker sends it a second time."""

    def fill(envelope: Envelope) -> None:
        site.worker.full = True
        site.worker.waiting.answered(envelope.id, REPLY)

    site.worker.answer = fill
    status, body, _ = await site.post(a_push(mode=Mode.PLAIN))
    assert (status, opened(body, Mode.PLAIN)["Content"]) == (200, "您好 ]]>")


async def test_an_answer_that_cannot_be_encoded_is_ignored(site: Site) -> None:
    """The answer is invalid XML: WeChat gets `success` at once."""
    site.worker.answers_with(PassiveAnswer({"1": "no name"}, "reply_id"))
    assert await site.post(a_push()) == (200, b"success", "text/plain")
    assert site.worker.notes.empty()


async def test_other_callbacks_do_not_wait(site: Site) -> None:
    """Messages of other accounts, events without a user and the end of a subscription are answered at once."""

    async def push(document: Document, account: str) -> None:
        # a nonce signs one body
        await site.post(a_push(document, mode=Mode.PLAIN, nonce=f"n{len(site.worker.published)}"), account=account)

    await push(a_text(), "sends")
    for event in ("unsubscribe", "wxa_media_check"):
        await push(an_event(event), "passive")
    await push(an_event("user_enter_tempsession"), "mini")
    assert [envelope.reply_to for envelope in site.worker.published] == [None] * 4

    site.worker.answers_with(PassiveAnswer())
    await push(a_text(), "mini")
    await push(an_event("xpay_refund_notify"), "sends")
    assert [envelope.reply_to for envelope in site.worker.published[4:]] == [REPLY_TO] * 2


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SECURE])
async def test_an_event_gets_the_answer_of_its_handler(site: Site, mode: Mode, form: Format) -> None:
    """Events of Mini Programs too; there is no note, because no user was addressed."""
    site.worker.answers_with(PassiveAnswer({"ResultCode": 0, "WayBillID": "88", "Fee": 3.5}))
    push = a_push(an_event("add_waybill"), mode=mode, format=form, receive_id=f"{APPID}-mini")
    _, body, _ = await site.post(push, account="mini")
    assert opened(body, mode, receive_id=f"{APPID}-mini") == {"ResultCode": "0", "WayBillID": "88", "Fee": "3.5"}
    assert site.worker.notes.empty()


@pytest.mark.parametrize(
    ("event", "safe"),
    [("add_waybill", ("ResultCode", "-1")), ("transport_cancel_order", ("resultcode", "-1"))],
)
@pytest.mark.parametrize("form", Format)
async def test_a_carriers_event_without_an_answer_fails(event: str, safe: tuple[str, str], form: Format) -> None:
    """The default answer is a failure: the handler has not confirmed anything."""
    async with a_site(budget=SOON) as site:
        push = a_push(an_event(event), mode=Mode.SECURE, format=form, receive_id=f"{APPID}-mini")
        _, body, _ = await site.post(push, account="mini")
    found = opened(body, Mode.SECURE, receive_id=f"{APPID}-mini")
    assert (found[safe[0]], found["Event"], found["ToUserName"]) == (safe[1], event, "o_wechat")


async def test_a_payment_is_acknowledged_after_it_is_on_disk(site: Site) -> None:
    """Without an answer `success`; if it is not stored 503, and WeChat repeats it (protocol reference 4.4)."""
    site.worker.answers_with(None)
    push = a_push(an_event("xpay_goods_deliver_notify", OutTradeNo="1"), mode=Mode.PLAIN)
    assert await site.post(push, account="mini") == (200, b"success", "text/plain")
    site.worker.full = True
    status, _, _ = await site.post(push, account="mini")
    assert status == 503


async def test_an_attempt_times_out_while_another_remains() -> None:
    """The first attempt is closed without an answer after WeChat's timeout; the third is always answered."""
    async with a_site(budget=SOON, wechat_timeout=WAITS, wechat_attempts=2) as site:
        document = a_text()
        loop = asyncio.get_running_loop()
        first = a_push({**document, "CreateTime": str(int(time.time()) + 30)}, mode=Mode.PLAIN, receive_id="")
        begun = loop.time()
        with pytest.raises(aiohttp.ClientError):
            await site.post(first, account="window")
        assert loop.time() - begun >= WAITS
        [envelope] = site.worker.published
        assert envelope.expiration is not None
        assert WAITS <= envelope.expiration < WAITS + SOON

        last = a_push({**document, "CreateTime": str(int(time.time()) - 5)}, mode=Mode.PLAIN, receive_id="")
        assert await site.post(last, account="window") == (200, b"success", "text/plain")
        assert (site.counted("window", "retry"), site.counted("window", "timeout")) == (1, 1)


async def test_an_attempt_does_not_time_out_without_a_reply(site: Site) -> None:
    """If no reply can follow, WeChat need not repeat the push."""
    site.worker.answers_with(PassiveAnswer())
    push = a_push({**a_text(), "CreateTime": str(int(time.time()))}, mode=Mode.PLAIN, receive_id="")
    assert await site.post(push, account="window") == (200, b"success", "text/plain")
    site.worker.answer = lambda envelope: site.worker.waiting.resolve_empty(envelope.id)
    assert await site.post(push, account="window") == (200, b"success", "text/plain")


@pytest.mark.parametrize(
    ("age", "to_come"),
    [(-30, 2), (0.0, 2), (0.9, 2), (2.9, 2), (4.9, 1), (5.0, 1), (6.4, 1), (9.9, 0), (10.0, 0), (11.5, 0), (3600, 0)],
)
def test_the_age_of_a_push_gives_its_attempt(age: float, to_come: int) -> None:
    """`CreateTime` has whole seconds, clocks differ and the network needs time: the attempt is still right."""
    assert remaining_attempts({"CreateTime": str(NOW)}, NOW + age, Limits()) == to_come


@pytest.mark.parametrize("created", ["", "soon", "-5", "１７"])
def test_a_push_of_unknown_age_is_the_last_attempt(created: str) -> None:
    """It is answered, because WeChat may not repeat it."""
    assert remaining_attempts({"CreateTime": created}, NOW, Limits()) == 0


async def test_an_authorizers_reply_uses_the_keys_of_its_platform(site: Site) -> None:
    """Replies of an authorizer are encrypted for its platform (protocol reference 2); events get no reply."""
    site.worker.answers_with(REPLY)
    platform = f"{APPID}-platform"
    ticket: Document = {"AppId": platform, "InfoType": "component_verify_ticket", "ComponentVerifyTicket": "t"}

    status, body, _ = await site.post(a_push(receive_id=platform), account="platform/wxauthorizer")

    assert (status, text(opened(body, Mode.SECURE, receive_id=platform), "Content")) == (200, "您好 ]]>")
    assert (await site.post(a_push(ticket, receive_id=platform), account="platform"))[:2] == (200, b"success")
    assert [envelope.reply_to is None for envelope in site.worker.published] == [False, True]
