"""Answers of smart robots, as WeCom asks for them (WeCom reference 8)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.support.sandbox import a_world
from tests.support.stores import open_store
from tests.support.whole import Whole, an_account, whole
from wxbus.bus.topology import Topology
from wxbus.errors import WeChatError
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.settings import Limits
from wxbus_sandbox.models import RobotResult
from wxbus_sandbox.settings import Rules
from wxbus_worker import (
    AccountKind,
    RobotCardEvent,
    RobotEnterChatEvent,
    RobotStream,
    RobotTextMessage,
    Router,
    TextMessage,
    reply,
)
from wxbus_worker.robots.sender import RobotSender
from wxbus_worker.store import robot_streams
from wxbus_worker.store.robot_streams import RobotStreams

pytestmark = pytest.mark.integration

SHORT = Limits(budget=4.5)
"""An unfinished text without a word is the answer one second before."""

Open = Callable[..., AbstractAsyncContextManager[Whole]]


@pytest.fixture
def world(amqp_url: str, redis_url: str, redis: object, topology: Topology, tmp_path: Path) -> Open:
    """Ingress, worker and WeCom with the robot `shop`; `redis` deletes the keys afterwards."""
    assert redis is not None
    robot = an_account(kind=AccountKind.WECOM, receive_id="", modes=(Mode.SECURE,), formats=("json",))
    return partial(
        whole,
        amqp_url=amqp_url,
        redis_url=redis_url,
        topology=topology,
        folder=tmp_path,
        account=robot,
        limits=Limits(budget=30.0),  # answers come before any deadline, also on a busy machine
        pending_grace=0.5,
        rules=Rules(robot_poll=0.05, push_spacing=0.1, push_timeout=60.0),
    )


@pytest.fixture
async def streams(redis_url: str, redis: object, namespace: str) -> AsyncIterator[RobotStreams]:
    """Yield the streams in a real Redis."""
    assert redis is not None
    async with open_store(redis_url) as store:
        yield RobotStreams(store, namespace=namespace)


def texts(result: RobotResult) -> list[tuple[str, bool]]:
    """Return each text that the member saw, and whether it was the end."""
    return [(one["stream"]["content"], one["stream"]["finish"]) for one in result.shown]


async def test_a_quick_reply_is_the_answer(world: Open) -> None:
    """A handler for any text answers a robot, too: all its texts are one, at once and complete."""
    router = Router()

    @router.text
    async def answer(message: TextMessage) -> list[reply.Text]:
        return [reply.Text(f"{message.content}?"), reply.Text("企" * 1000)]

    async with world(router) as parts:
        result = await parts.sandbox.robot("shop", "hello", userid="zhangsan", chatid="group1")
        await parts.until_decided()

    assert (result.reason, texts(result)) == ("", [("hello?\n\n" + "企" * 1000, True)])
    assert not parts.rig.wechat.sent


async def test_a_text_grows_while_the_handler_writes_it(world: Open) -> None:
    """The first words are the answer; WeCom asks for the rest, and what is returned is the end."""
    router = Router()
    steps = [asyncio.Event() for _ in range(2)]

    @router.message(RobotTextMessage)
    async def answer(stream: RobotStream) -> str:
        for word, step in zip(("one ", "two "), steps, strict=True):
            stream.say(word)
            await step.wait()
        return "three"

    async with world(router) as parts:
        talk = asyncio.create_task(parts.sandbox.robot("shop", "count"))
        for shown, step in zip(("one ", "one two "), steps, strict=True):
            await until_text(parts, shown)
            step.set()
        result = await talk

    assert texts(result)[-1] == ("one two \n\nthree", True)
    assert [text for text, _ in texts(result)] == sorted({text for text, _ in texts(result)}, key=len)
    assert texts(result)[0] == ("one ", False)
    assert not parts.rig.wechat.calls


async def test_a_slow_handler_is_answered_for(world: Open) -> None:
    """Without a word in time the answer is an empty text without an end; the reply is its end."""
    router = Router()
    done = asyncio.Event()

    @router.text
    async def answer() -> str:
        await done.wait()
        return "after all"

    async with world(router, limits=SHORT) as parts:
        talk = asyncio.create_task(parts.sandbox.robot("shop", "think"))
        await until_asked(parts)
        done.set()
        result = await talk

    assert texts(result) == [("", False), ("after all", True)]


async def test_another_attempt_goes_on_with_the_same_text(world: Open) -> None:
    """A worker that fails or dies leaves what it has said; the next one shows its own text once it has more."""
    router = Router()
    attempts: list[str] = []

    @router.text
    async def answer(stream: RobotStream) -> str:
        attempts.append("")
        stream.say("a long beginning")
        if len(attempts) == 1:
            await until_text(parts, "a long beginning")
            raise RuntimeError("the worker has lost its model")
        return "and the end"

    async with world(router) as parts:
        result = await parts.sandbox.robot("shop", "try")

    assert (len(attempts), texts(result)[-1]) == (2, ("a long beginning\n\nand the end", True))
    assert min(len(text) for text, _ in texts(result)) == len("a long beginning")


async def test_events_have_their_own_answers(world: Open) -> None:
    """Entering the chat is answered with a text, a click with the new card, feedback with nothing."""
    router = Router()

    @router.event(RobotEnterChatEvent)
    async def welcome() -> str:
        return "Welcome."

    @router.event(RobotCardEvent)
    async def clicked(event: RobotCardEvent) -> reply.TemplateCard:
        return reply.TemplateCard({"card_type": "text_notice", "task_id": event.task_id})

    async with world(router) as parts:
        entered = await parts.sandbox.robot("shop", {"eventtype": "enter_chat", "enter_chat": {}}, type="event")
        click = {"eventtype": "template_card_event", "template_card_event": {"task_id": "t1", "event_key": "yes"}}
        card = await parts.sandbox.robot("shop", click, type="event")
        rated = {"eventtype": "feedback_event", "feedback_event": {"id": "f", "type": 1}}
        feedback = await parts.sandbox.robot("shop", rated, type="event")

    assert (entered.shown, entered.reason) == (({"msgtype": "text", "text": {"content": "Welcome."}},), "")
    assert card.shown[0]["template_card"]["task_id"] == "t1"
    assert (feedback.shown, feedback.reason) == ((), "")


async def test_a_text_that_is_too_old_is_finished_as_it_is(
    streams: RobotStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WeCom polls for six minutes: before that the text is finished, and a later reply uses the response_url."""
    assert not await streams.begin("s1", response_code="code1")
    assert not await streams.write("s1", "not polled")
    assert await streams.write("s1", "so far", polled=True)
    assert await streams.begin("s1", response_code="other"), "a second attempt finds that WeCom polls"
    assert await streams.write("s1", "less")
    assert await streams.read("s1") == robot_streams.StreamText("so far", finished=False)

    monkeypatch.setattr(robot_streams, "LONGEST", -1)
    assert await streams.read("s1") == robot_streams.StreamText("so far", finished=True)
    monkeypatch.undo()
    assert not await streams.write("s1", "so far and more", complete=True)
    assert await streams.response_code("s1") == "code1"
    assert await streams.read("unknown") is None
    assert not await streams.write("unknown", "x", complete=True)


async def test_a_text_that_wecom_does_not_fetch_is_a_late_answer(
    streams: RobotStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unfinished answer may not have reached WeCom; the reply is not lost."""
    monkeypatch.setattr("wxbus_worker.robots.sender.FETCH_TIMEOUT", -1)
    async with a_world() as world:
        sender = RobotSender(streams, lambda _: world.application())
        world.sandbox.robot_codes.add("code1", "corp", "zhangsan", world.clock.now() + 60)
        await streams.begin("s1", response_code="code1")
        assert await streams.write("s1", "so far", polled=True)

        await sender.send("wxcorp", "s1", reply.Markdown("so far, and the end"))

        [sent] = await world.control.sent(account="corp")
    assert sent.payload["markdown"] == {"content": "so far, and the end"}


async def test_a_late_reply_uses_the_response_url(streams: RobotStreams) -> None:
    """It can be used once, and only WeCom's own address is ever called."""
    async with a_world() as world:
        sender = RobotSender(streams, lambda _: world.application())
        world.sandbox.robot_codes.add("code1", "corp", "zhangsan", world.clock.now() + 60)
        await streams.begin("s1", response_code="code1")
        await streams.begin("s2", response_code="")

        await sender.send("wxcorp", "s1", reply.Markdown("**late**"))
        [sent] = await world.control.sent(account="corp")
        assert (sent.openid, sent.payload["markdown"]) == ("zhangsan", {"content": "**late**"})
        with pytest.raises(WeChatError):
            await sender.send("wxcorp", "s1", reply.Markdown("again"))
        with pytest.raises(ValueError, match="no response_url"):
            await sender.send("wxcorp", "s2", reply.Markdown("nowhere"))


async def until_asked(parts: Whole) -> None:
    """Return once WeCom asks how a text goes on."""
    await _until(parts, "asked", None)


async def until_text(parts: Whole, text: str) -> None:
    """Return once this is the text that WeCom gets."""
    await _until(parts, "text", text.encode())


async def _until(parts: Whole, name: str, value: bytes | None) -> None:
    while True:
        for key in await parts.store.command("KEYS", f"{parts.namespace}:robot:*"):
            found = await parts.store.command("HGET", key, name)
            if found is not None and value in {None, found}:
                return
        await asyncio.sleep(0.02)
