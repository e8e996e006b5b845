"""Conversations as files: export, import and replay (decision 0051)."""

import tomllib
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.sandbox import Answer, Received, World
from wxbus.errors import ConfigurationError
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.models import SendRequest
from wxbus_worker import ClickEvent, Context, ImageMessage, Router, TextMessage, reply
from wxbus_worker.testing import ConversationDiffers, HandlerClient, play

USER, OTHER = "oUser0000000000000000000001", "oOther000000000000000000001"
router = Router("conversations")


@router.text("fail once")
async def fail_once() -> reply.Text:
    """Fail at the first attempt."""
    raise RuntimeError("always")


@router.text
async def count(message: TextMessage, context: Context) -> reply.Text:
    """Count texts."""
    context.storage["count"] = number = context.storage.get("count", 0) + 1
    return reply.Text(f"{number}. {message.content}")


@router.image
async def image(message: ImageMessage) -> list[reply.AnyReply]:
    """Return the picture."""
    return [reply.Text("A fine picture."), reply.Image(message.media_id or "")]


@router.event(ClickEvent)
async def click() -> reply.News:
    """Return a card."""
    return reply.News((reply.Article("Title", url="https://example.com/"),))


def running(world: World, handlers: HandlerClient) -> Answer:
    """Return an ingress that runs handlers and sends their replies; the clock goes on at each message."""

    async def answer(received: Received) -> web.StreamResponse:
        world.clock.advance(1)
        found = await handlers.push(received.opened.document)
        for one in found.replies:
            await world.client("shop").send(str(received.opened.document["FromUserName"]), one)
        world.clock.advance(1)
        return web.Response(text="success")

    return answer


async def test_an_exported_conversation_plays_to_handlers_and_in_the_sandbox(world: World, tmp_path: Path) -> None:
    """The exported file has each turn and its replies; the same handlers pass it, other handlers fail readably."""
    world.ingress.answers.extend([running(world, HandlerClient(router))] * 5)
    control = world.control
    await control.text("shop", 'a "quoted" line\nand 你好 \\', openid=USER)
    await control.text("shop", "hi", openid=OTHER)
    await control.send(SendRequest(account="shop", type="image", openid=USER))
    clicked = await control.event("shop", "CLICK", openid=USER, fields={"EventKey": "k", "MenuId": 7})
    await control.replay(str(4))  # a duplicate is no turn

    file = tmp_path / "conversation.toml"
    file.write_text(await control.export_conversation("shop"), "utf-8")
    written = tomllib.loads(file.read_text("utf-8"))
    assert (written["account"], written["kind"], written["user"]) == ("shop", "official_account", USER)
    texts = [(turn.get("text"), turn.get("user"), turn["replies"]) for turn in written["turns"][:2]]
    assert texts == [
        ('a "quoted" line\nand 你好 \\', None, ['1. a "quoted" line\nand 你好 \\']),
        ("hi", OTHER, ["1. hi"]),
    ]
    assert written["turns"][2]["replies"] == ["A fine picture.", {"type": "image"}]
    assert written["turns"][3]["event"] == clicked.message["Event"]
    assert written["turns"][3]["fields"] == {"EventKey": "k", "MenuId": 7}
    assert written["turns"][3]["replies"][0]["articles"][0]["title"] == "Title"
    assert len(written["turns"]) == 4

    results = await play(file, router)
    assert [one.texts for one in results] == [['1. a "quoted" line\nand 你好 \\'], ["1. hi"], ["A fine picture."], []]
    world.ingress.answers.clear()
    world.ingress.answers.extend([running(world, HandlerClient(router))] * 4)
    played = await control.play_conversation(file.read_text("utf-8"))
    assert not played.differs, played
    assert [turn.title for turn in played.turns] == [
        '"a \\"quoted\\" line\\nand 你好 \\\\"',
        '"hi"',
        "[image]",
        "event CLICK",
    ]

    shouting = Router("shouting")

    @shouting.text
    async def shout(message: TextMessage) -> reply.Text:
        return reply.Text(message.content.upper())

    @shouting.default
    async def nothing() -> None: ...

    with pytest.raises(ConversationDiffers) as caught:
        await play(file, shouting)
    assert str(caught.value).splitlines()[3:] == [
        f'turn 2, {OTHER}: "hi"',
        '  reply 1: expected "1. hi", received "HI"',
        f"turn 3, {USER}: [image]",
        '  reply 1: expected "A fine picture.", received none',
        "  reply 2: expected [image] {}, received none",
        f"turn 4, {USER}: event CLICK",
        f"  reply 1: expected {written_card()}, received none",
    ]
    world.ingress.answers.extend([running(world, HandlerClient(shouting))] * 4)
    played = await control.play_conversation(file.read_text("utf-8"), wait=0.01)
    assert played.turns[1].differences == ('reply 1: expected "1. hi", received "HI"',)


def written_card() -> str:
    """Return the card as a difference shows it."""
    card = '{"title": "Title", "description": "", "url": "https://example.com/", "picurl": ""}'
    return f'[news] {{"articles": [{card}]}}'


async def test_written_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns, left-out fields and left-out replies match; failed messages are retried; passive replies count."""
    file = tmp_path / "conversation.toml"
    attempts = []
    other = Router("other")

    @other.text("fail once")
    async def fail() -> reply.Text:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("the first attempt")
        return reply.Text("It worked.")

    other.include(router)
    file.write_text(
        """
        [[turns]]
        text = "fail once"
        replies = ["It worked."]
        [[turns]]
        text = "x"
        replies = [{ type = "text", matches = '\\d+\\. x' }]
        [[turns]]
        event = "CLICK"
        fields = { EventKey = "k" }
        replies = [{ type = "news", articles = [{ title = "Title" }] }]
        [[turns]]
        text = "not compared"
        """
    )
    await play(file, other)
    attempts.clear()
    account = HandlerClient(router).account.model_copy(update={"reply": "passive"})
    await play(file, HandlerClient(other, account=account, raise_errors=False))

    file.write_text('[[turns]]\ntext = "x"\nreplies = [{ type = "text", matches = "y" }]\n')
    with pytest.raises(ConversationDiffers, match=r"reply 1: expected .*, received"):
        await play(file, router)
    file.write_text('[[turns]]\ntext = "fail once"\n')
    with pytest.raises(RuntimeError, match="always"):
        await play(file, router)

    monkeypatch.setenv("WXBUS_WORKER_APP", f"{__name__}:router")
    file.write_text('[[turns]]\ntext = "x"\nreplies = ["1. x"]\n')
    await play(file)
    monkeypatch.delenv("WXBUS_WORKER_APP")
    with pytest.raises(ConfigurationError, match="give a router, or set WXBUS_WORKER_APP"):
        await play(file)


async def test_a_wrong_file_names_the_place(world: World, tmp_path: Path) -> None:
    """Each refusal says what is wrong and where, in tests as in the sandbox."""
    file = tmp_path / "wrong.toml"
    for text, reason in {
        "turns = 1": "turns: ",
        "[[turns]": r"wrong\.toml: ",
        '[[turns]]\ntext = "a"\nevent = "b"': "turns.1: give one of text, event and type",
        '[[turns]]\ntext = "a"\nreplies = [{}]': "turns.1.replies: reply 1 needs a type",
        '[[turns]]\ntext = "a"\nreplies = [{ type = "text", matches = "(" }]': "not a regular expression",
        '[[turns]]\ntext = "a"\nreply = "b"': "turns.1.reply: Extra inputs",
        "format = 2": "format: ",
    }.items():
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=reason):
            await play(file, router)
        with pytest.raises(SandboxFailure, match=reason.replace("wrong", "conversation")):
            await world.control.play_conversation(text)
    with pytest.raises(ConfigurationError, match=r"missing\.toml"):
        await play(tmp_path / "missing.toml", router)
    with pytest.raises(SandboxFailure, match="conversations are with"):
        await world.control.export_conversation("platform")


async def test_a_push_is_replayed(world: World) -> None:
    """A replay is a duplicate with the same MsgId; anew it is another message with the same content."""
    first = await world.control.text("shop", "hi", openid=USER)
    assert first.msg_id
    duplicate = await world.control.replay(first.msg_id)
    anew = await world.control.replay("1", anew=True)
    assert duplicate.message == first.message
    assert anew.msg_id != first.msg_id
    assert (anew.message["Content"], anew.openid) == ("hi", USER)
    with pytest.raises(SandboxFailure, match="no push with the number or MsgId 99"):
        await world.control.replay("99")
