"""Callbacks that wait for a worker: what WeChat is answered with, and what the worker is told of it."""

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
FOR_EVER = 60.0
"""A budget that no test waits for."""
SOON, WAITS = 1.0, 1.2
"""A budget that tests wait for, and WeChat's time with it; a machine that stands still for so long is none."""
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
    """An inbox behind which a worker answers at once, as a test says."""

    waiting: PendingAnswers
    answer: Callable[[Envelope], None] | None = None
    """Called with each callback that awaits an answer."""
    published: list[Envelope] = field(default_factory=list)
    notes: "asyncio.Queue[Envelope]" = field(default_factory=asyncio.Queue)
    notes_pass: asyncio.Event = field(default_factory=asyncio.Event)
    full: bool = False

    async def publish(self, envelope: Envelope, *, budget: float) -> None:  # noqa: ARG002 - the port's signature
        """Take it."""
        if self.full:
            raise SpoolUnavailable("full")
        if envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY:
            self.notes.put_nowait(envelope)
            await self.notes_pass.wait()
            return
        self.published.append(envelope)
        if self.answer is not None:
            self.answer(envelope)

    def says(self, answer: PassiveAnswer | None) -> None:
        """Answer every callback so; None: the connection is lost."""

        def say(envelope: Envelope) -> None:
            if answer is None:
                self.waiting.lost()
            else:
                self.waiting.answered(envelope.correlation_id or "", answer)

        self.answer = say


@dataclass
class World:
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
        """Return how many callbacks ended so."""
        labels = {"account": account, "outcome": outcome}
        return self.registry.get_sample_value("wxbus_ingress_passive_replies_total", labels) or 0


@asynccontextmanager
async def a_world(**limits: Any) -> AsyncIterator[World]:
    """Start everything."""
    waiting, registry = PendingAnswers(), CollectorRegistry()
    worker = Worker(waiting)
    worker.notes_pass.set()
    settings = Limits(**{"budget": FOR_EVER, "max_age": 300, **limits})
    app = build_app(settings, ACCOUNTS, worker, pending=waiting, registry=registry)
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port, aiohttp.ClientSession() as http:
        yield World(f"http://127.0.0.1:{port}", http, worker, registry)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An ingress that waits for ever."""
    async with a_world() as world:
        yield world


def opened(body: bytes, mode: Mode, nonce: str = "1320562132", receive_id: str = APPID) -> Document:
    """Return an answer as WeChat reads it."""
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
async def test_the_reply_is_written_as_the_push_was(world: World, mode: Mode, form: Format) -> None:
    """In its format; encrypted and signed as soon as there is encryption; and the lane is told of it."""
    world.worker.says(REPLY)
    status, body, content_type = await world.post(a_push(mode=mode, format=form))
    assert (status, content_type) == (200, "text/xml" if form is Format.XML else "application/json")
    found = opened(body, mode)
    assert (found["Content"], found["CreateTime"]) == ("您好 ]]>", str(NOW))
    [envelope] = world.worker.published
    note = await world.worker.notes.get()
    assert (note.kind, note.lane, reply_id_of(note)) == (EnvelopeKind.DELIVERED_PASSIVELY, envelope.lane, "reply_id")
    assert (note.reply_to, note.id != envelope.id) == (None, True)
    assert world.counted("passive", "replied") == 1


async def test_an_independent_implementation_reads_the_reply(world: World) -> None:
    """It verifies the signature, decrypts, and compares the appid, as WeChat does."""
    world.worker.says(REPLY)
    _, body, _ = await world.post(a_push())
    outer = parse(body)
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    decrypted = crypto.decrypt_message(
        body.decode(), text(outer, "MsgSignature"), text(outer, "TimeStamp"), text(outer, "Nonce")
    )
    assert parse(decrypted.encode())["Content"] == "您好 ]]>"


async def test_while_keys_change_the_answer_has_those_of_the_push(world: World) -> None:
    """The file is changed before WeChat's console is: until then WeChat can read the former keys alone."""
    world.worker.says(REPLY)
    receive_id = f"{APPID}-changing"
    status, body, _ = await world.post(a_push(receive_id=receive_id), account="changing")
    assert (status, opened(body, Mode.SECURE, receive_id=receive_id)["Content"]) == (200, "您好 ]]>")

    _, body, _ = await world.post(a_push(token="new", aes_key=NEW_KEY, receive_id=receive_id), account="changing")
    encrypted = text(parse(body), "Encrypt")
    assert matches(text(parse(body), "MsgSignature"), "new", text(parse(body), "TimeStamp"), "1320562132", encrypted)
    assert parse(Cipher(NEW_KEY, receive_id).decrypt(encrypted))["Content"] == "您好 ]]>"


async def test_wecom_is_answered_with_its_own_receive_id(world: World) -> None:
    """It knows secure mode only."""
    world.worker.says(REPLY)
    push = a_push(receive_id=f"{APPID}-corp").but(encrypt_type=None, signature=None)
    _, body, _ = await world.post(push, account="corp")
    assert opened(body, Mode.SECURE, receive_id=f"{APPID}-corp")["Content"] == "您好 ]]>"


GAME = {"ToUserName": "gh_1", "FromUserName": "o_wechat", "CreateTime": "1", "MsgType": "event"} | {
    "Event": "minigame_deliver_goods",
    "MiniGame": {"OrderId": "1", "ToUserOpenid": "o_player"},
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("form", Format)
async def test_a_mini_game_is_answered_in_plain(world: World, mode: Mode, form: Format) -> None:
    """A mini game reads `ErrCode`, never encrypted, whatever the mode of the push; success is the default."""
    push = a_push(GAME, mode=mode, format=form)
    for answer, code in ((PassiveAnswer(), "0"), (PassiveAnswer({"ErrCode": 7, "ErrMsg": "no"}, "reply_id"), "7")):
        world.worker.says(answer)
        status, body, _ = await world.post(push)
        assert (status, text(parse(body), "ErrCode")) == (200, code)
    envelope = world.worker.published[-1]
    assert (envelope.openid, envelope.lane) == ("o_player", f"{APPID}:o_player")


async def test_a_mini_game_is_answered_in_its_own_time(world: World) -> None:
    """WeChat gives a mini game's event up after 3 s: the handler has less than that."""
    world.worker.says(PassiveAnswer())
    await world.post(a_push(GAME))
    [envelope] = world.worker.published
    assert envelope.expiration is not None
    assert envelope.expiration < MINIGAME_DEADLINE < 3


async def test_who_waits_says_for_how_long(world: World) -> None:
    """The worker gets the time that is left, never more, and where to answer; the envelope's id tells answers apart."""
    world.worker.says(PassiveAnswer())
    await world.post(a_push())
    [envelope] = world.worker.published
    assert (envelope.reply_to, envelope.correlation_id) == (REPLY_TO, envelope.id)
    assert envelope.expiration is not None
    assert FOR_EVER - 5 < envelope.expiration < FOR_EVER


async def test_the_note_follows_the_answer(world: World) -> None:
    """Killed in between, the reply is sent twice; the other way round it would be lost."""
    world.worker.says(REPLY)
    world.worker.notes_pass.clear()
    status, body, _ = await world.post(a_push(mode=Mode.PLAIN))  # WeChat has all of it, the note is not out yet
    assert (status, opened(body, Mode.PLAIN)["Content"]) == (200, "您好 ]]>")
    await world.worker.notes.get()
    world.worker.notes_pass.set()


@pytest.mark.parametrize("answer", [PassiveAnswer(), None], ids=["nothing", "lost"])
async def test_nothing_is_waited_for_that_does_not_come(world: World, answer: PassiveAnswer | None) -> None:
    """The handler has no reply, or failed; or RabbitMQ's connection is gone, and with it the way of the answer."""
    world.worker.says(answer)
    assert await world.post(a_push()) == (200, b"success", "text/plain")
    assert world.worker.notes.empty()


async def test_after_the_deadline_nothing_is_taken() -> None:
    """WeChat has `success`; the answer that comes then finds nobody, and no note is written."""
    async with a_world(budget=SOON) as world:
        assert await world.post(a_push()) == (200, b"success", "text/plain")
        [envelope] = world.worker.published
        world.worker.waiting.answered(envelope.id, REPLY)
        assert world.worker.notes.empty()
        assert world.counted("passive", "timeout") == 1


async def test_of_two_answers_the_first_counts(world: World) -> None:
    """A worker died after it had answered: the one after it answers, too."""

    def twice(envelope: Envelope) -> None:
        world.worker.waiting.answered(envelope.id, REPLY)
        world.worker.waiting.answered(envelope.id, PassiveAnswer())

    world.worker.answer = twice
    _, body, _ = await world.post(a_push(mode=Mode.PLAIN))
    assert b"\xe6\x82\xa8" in body


async def test_what_nobody_reads_is_not_taken(world: World) -> None:
    """WeChat has closed the connection: there is no note, so the reply is sent otherwise."""
    asked = asyncio.Event()
    world.worker.answer = lambda _: asked.set()
    posting = asyncio.create_task(world.post(a_push()))
    await asked.wait()
    posting.cancel()
    await asyncio.wait([posting])
    await asyncio.sleep(0.05)  # the server runs in this loop: it has seen the end when we go on
    world.worker.waiting.answered(world.worker.published[0].id, REPLY)
    while not world.counted("passive", "disconnected"):  # noqa: ASYNC110 - metrics tell nobody
        await asyncio.sleep(0.005)
    assert world.worker.notes.empty()


async def test_a_note_that_cannot_be_stored_changes_no_answer(world: World) -> None:
    """WeChat has it; the worker will send the reply a second time, which is better than not at all."""

    def fill(envelope: Envelope) -> None:
        world.worker.full = True
        world.worker.waiting.answered(envelope.id, REPLY)

    world.worker.answer = fill
    status, body, _ = await world.post(a_push(mode=Mode.PLAIN))
    assert (status, opened(body, Mode.PLAIN)["Content"]) == (200, "您好 ]]>")


async def test_an_answer_that_cannot_be_written_is_none(world: World) -> None:
    """A worker of another release: WeChat is not kept waiting for what no XML can hold."""
    world.worker.says(PassiveAnswer({"1": "no name"}, "reply_id"))
    assert await world.post(a_push()) == (200, b"success", "text/plain")
    assert world.worker.notes.empty()


async def test_only_those_wait_that_have_to(world: World) -> None:
    """Other accounts' messages, events of no user and the end of a subscription are answered at once."""

    async def push(document: Document, account: str) -> None:
        # A nonce signs one body.
        await world.post(a_push(document, mode=Mode.PLAIN, nonce=f"n{len(world.worker.published)}"), account=account)

    await push(a_text(), "sends")
    for event in ("unsubscribe", "wxa_media_check"):
        await push(an_event(event), "passive")
    await push(an_event("user_enter_tempsession"), "mini")
    assert [envelope.reply_to for envelope in world.worker.published] == [None] * 4

    world.worker.says(PassiveAnswer())
    await push(a_text(), "mini")
    await push(an_event("xpay_refund_notify"), "sends")
    assert [envelope.reply_to for envelope in world.worker.published[4:]] == [REPLY_TO] * 2


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SECURE])
async def test_an_event_gets_the_answer_of_its_handler(world: World, mode: Mode, form: Format) -> None:
    """On Mini Programs too; nobody is told of it, for no user was."""
    world.worker.says(PassiveAnswer({"ResultCode": 0, "WayBillID": "88", "Fee": 3.5}))
    push = a_push(an_event("add_waybill"), mode=mode, format=form, receive_id=f"{APPID}-mini")
    _, body, _ = await world.post(push, account="mini")
    assert opened(body, mode, receive_id=f"{APPID}-mini") == {"ResultCode": "0", "WayBillID": "88", "Fee": "3.5"}
    assert world.worker.notes.empty()


@pytest.mark.parametrize(
    ("event", "safe"),
    [("add_waybill", ("ResultCode", "-1")), ("transport_cancel_order", ("resultcode", "-1"))],
)
@pytest.mark.parametrize("form", Format)
async def test_a_carriers_event_without_an_answer_has_failed(event: str, safe: tuple[str, str], form: Format) -> None:
    """WeChat must not take it for done: the handler may yet run, but has promised nothing."""
    async with a_world(budget=SOON) as world:
        push = a_push(an_event(event), mode=Mode.SECURE, format=form, receive_id=f"{APPID}-mini")
        _, body, _ = await world.post(push, account="mini")
    found = opened(body, Mode.SECURE, receive_id=f"{APPID}-mini")
    assert (found[safe[0]], found["Event"], found["ToUserName"]) == (safe[1], event, "o_wechat")


async def test_a_payment_is_acknowledged_once_it_is_on_disk_and_not_before(world: World) -> None:
    """Without an answer `success`; not stored, 503: WeChat pushes it again (protocol reference 4.4)."""
    world.worker.says(None)
    push = a_push(an_event("xpay_goods_deliver_notify", OutTradeNo="1"), mode=Mode.PLAIN)
    assert await world.post(push, account="mini") == (200, b"success", "text/plain")
    world.worker.full = True
    status, _, _ = await world.post(push, account="mini")
    assert status == 503


async def test_an_attempt_lapses_while_there_is_another_one() -> None:
    """The first is closed without an answer after WeChat's own time; the third is answered, whatever is there."""
    async with a_world(budget=SOON, wechat_timeout=WAITS, wechat_attempts=2) as world:
        document = a_text()
        loop = asyncio.get_running_loop()
        first = a_push({**document, "CreateTime": str(int(time.time()) + 30)}, mode=Mode.PLAIN, receive_id="")
        begun = loop.time()
        with pytest.raises(aiohttp.ClientError):
            await world.post(first, account="window")
        assert loop.time() - begun >= WAITS
        [envelope] = world.worker.published
        assert envelope.expiration is not None
        assert WAITS < envelope.expiration < WAITS + SOON

        last = a_push({**document, "CreateTime": str(int(time.time()) - 5)}, mode=Mode.PLAIN, receive_id="")
        assert await world.post(last, account="window") == (200, b"success", "text/plain")
        assert (world.counted("window", "retry"), world.counted("window", "timeout")) == (1, 1)


async def test_an_attempt_does_not_lapse_when_there_is_nothing_to_come(world: World) -> None:
    """A handler without a reply, or a callback that went to the spool: WeChat need not push again."""
    world.worker.says(PassiveAnswer())
    push = a_push({**a_text(), "CreateTime": str(int(time.time()))}, mode=Mode.PLAIN, receive_id="")
    assert await world.post(push, account="window") == (200, b"success", "text/plain")
    world.worker.answer = lambda envelope: world.worker.waiting.resolve_empty(envelope.id)
    assert await world.post(push, account="window") == (200, b"success", "text/plain")


@pytest.mark.parametrize(
    ("age", "to_come"),
    [(-30, 2), (0.0, 2), (0.9, 2), (2.9, 2), (4.9, 1), (5.0, 1), (6.4, 1), (9.9, 0), (10.0, 0), (11.5, 0), (3600, 0)],
)
def test_the_age_of_a_push_says_which_attempt_it_is(age: float, to_come: int) -> None:
    """`CreateTime` is cut to seconds, clocks differ a little, the network takes its time: none of it matters."""
    push = {"CreateTime": str(NOW)}
    assert remaining_attempts(push, NOW + age, Limits()) == to_come


@pytest.mark.parametrize("created", ["", "soon", "-5", "１７"])
def test_a_push_of_unknown_age_is_the_last(created: str) -> None:
    """It is answered: nobody knows whether WeChat would push it again."""
    assert remaining_attempts({"CreateTime": created}, NOW, Limits()) == 0


async def test_an_authorisers_answer_is_sealed_for_its_platform(world: World) -> None:
    """Who authorised a third-party platform is answered with that one's keys (protocol reference 2); events are not."""
    world.worker.says(REPLY)
    platform = f"{APPID}-platform"
    ticket: Document = {"AppId": platform, "InfoType": "component_verify_ticket", "ComponentVerifyTicket": "t"}

    status, body, _ = await world.post(a_push(receive_id=platform), account="platform/wxauthorizer")

    assert (status, text(opened(body, Mode.SECURE, receive_id=platform), "Content")) == (200, "您好 ]]>")
    assert (await world.post(a_push(ticket, receive_id=platform), account="platform"))[:2] == (200, b"success")
    assert [envelope.reply_to is None for envelope in world.worker.published] == [False, True]
