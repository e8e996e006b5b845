"""Handlers for messages that become dead letters."""

from typing import Any

from structlog.testing import capture_logs

from tests.support.echo import refusal
from tests.support.worker import APPID, OPENID, Rig, a_text_envelope, an_event_envelope
from wxbus.testing import MemoryDelivery
from wxbus_worker import (
    Account,
    AccountKind,
    Context,
    Message,
    MessageHandler,
    Reject,
    Router,
    TextMessage,
    current_delivery,
    reply,
)
from wxbus_worker.delivery.settlement import Done, ToDeadLetters
from wxbus_worker.testing import HandlerClient


def failing(error: Exception, **options: Any) -> tuple[Router, list[object]]:
    """Return a router whose handler fails, and what its `on_dead` handler was called with."""
    router, seen = Router(**options), list[object]()

    @router.text
    async def fail(context: Context) -> None:
        context.storage["changed"] = True
        raise error

    @router.on_dead
    async def apologise(message: Message, error: Exception, context: Context) -> str:
        assert isinstance(message, TextMessage)
        seen.append((message.content, str(error), current_delivery().attempt, dict(context.storage)))
        context.storage["told"] = True
        return "We could not process your message."

    return router, seen


async def test_the_user_is_told_after_the_last_failure() -> None:
    """`on_dead` runs once, with message and error; what it returns is sent and its changes are stored.

    The changes of the failed handler are not, and the message stays in the dead letters as not committed.
    """
    router, seen = failing(ValueError("no stock"))
    rig = Rig(router, delays=("1s",))
    await rig.handle(a_text_envelope("tea"))
    assert seen == []
    await rig.handle(rig.memory_publisher.retries[0][0])
    assert seen == [("tea", "no stock", 2, {})]
    assert rig.wechat.texts == ["We could not process your message."]
    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.reason, death.committed) == ("attempts", None)
    context = await rig.memory.get(APPID, OPENID)
    assert context is not None
    assert context.storage == {"told": True}
    assert (len(context.requests), list(context.responses)) == (0, [reply.Text(rig.wechat.texts[0])])


async def test_a_redelivery_does_not_tell_twice() -> None:
    """The process may end between the reply and the dead letter: the message fails again, the user hears it once."""
    router, seen = failing(Reject("never"))
    rig = Rig(router)
    delivery = MemoryDelivery(a_text_envelope("tea"))
    assert isinstance(await rig.handle(delivery), ToDeadLetters)
    assert isinstance(await rig.handle(MemoryDelivery(delivery.content, redelivered=True)), ToDeadLetters)
    assert (len(seen), len(rig.wechat.texts)) == (1, 1)


async def test_an_error_of_the_hook_does_not_keep_the_letter() -> None:
    """It is logged with the hook's name; the dead letter has the error of the message."""
    router, _ = failing(Reject("never"))

    @router.on_dead
    async def broken() -> str:
        raise ValueError("also broken")

    rig = Rig(router)
    with capture_logs() as lines:
        await rig.handle(a_text_envelope("tea"))
    ((_, death),) = rig.memory_publisher.dead_letters
    assert death.error == "Reject: never"
    assert [line["handler"].rsplit(".", 1)[-1] for line in lines if line["event"] == "on_dead.failed"] == ["broken"]
    assert rig.wechat.texts == []


async def test_a_refused_reply_is_no_failure_of_the_handler() -> None:
    """Its message is committed and done: `on_dead` is not called, for the note about the reply neither."""
    router, seen = failing(Reject("never"))

    @router.image
    async def picture() -> str:
        return "a"

    rig = Rig(router)
    rig.wechat.errors.append(refusal(40007))
    body = b'{"MsgType": "image", "FromUserName": "o_1", "ToUserName": "g", "CreateTime": "1", "MsgId": "1"}'
    assert isinstance(await rig.handle(a_text_envelope(body=body)), Done)
    assert isinstance(await rig.handle(rig.memory_publisher.published[0]), ToDeadLetters)
    assert seen == []


async def test_the_apology_may_be_the_passive_answer() -> None:
    """A message that fails at once is answered in time."""
    router, _ = failing(Reject("never"))
    account = Account(name="shop", appid=APPID, kind=AccountKind.OFFICIAL_ACCOUNT, reply="passive")
    result = await HandlerClient(router, account=account, raise_errors=False).text("tea")
    assert result.passive == reply.Text("We could not process your message.")
    assert (result.outcome, len(result.replies)) == ("dead_lettered", 1)


async def test_a_class_and_included_routers_have_hooks() -> None:
    """All of them run, within their accounts; an event without a user has nobody to tell."""
    root, other = Router(), Router("other", account="other")

    class Shop(MessageHandler):
        async def on_event(self) -> None:
            raise Reject("never")

        async def on_dead(self, error: Exception) -> str:
            return f"class: {error}"

    @root.on_dead
    async def of_root(error: Exception) -> str:
        return f"root: {error}"

    @other.on_dead
    async def of_other() -> str:
        return "other"

    root.include(Shop())
    root.include(other)
    rig = Rig(root)
    await rig.handle(an_event_envelope("CLICK", openid=OPENID, lane=f"{APPID}:{OPENID}"))
    assert rig.wechat.texts == ["root: never", "class: never"]
    await rig.handle(an_event_envelope("CLICK", openid=None, lane=f"{APPID}:x"))
    assert len(rig.wechat.texts) == 2
    assert len(rig.memory_publisher.dead_letters) == 2


async def test_a_failed_removal_keeps_the_context() -> None:
    """`on_dead` is for messages: the context of a failed `context_removed` stays."""
    router, seen = failing(Reject("never"))
    router.image(_nothing)

    @router.context_removed
    async def removed() -> None:
        raise Reject("not yet")

    client = HandlerClient(router, raise_errors=False)
    await client.text("x")
    seen.clear()
    assert (await client.expire()).outcome == "dead_lettered"
    assert seen == []
    assert (await client.context()).storage == {"told": True}


async def _nothing() -> None: ...
