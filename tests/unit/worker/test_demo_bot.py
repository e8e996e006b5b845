"""The sample bot that `make run` and `make demo` run."""

import json
from pathlib import Path

import pytest

from tests.support.envelopes import an_envelope
from tests.support.worker import Rig, a_text_envelope, an_event_envelope
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import Reject
from wxbus_worker import reply
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.loading import load_router
from wxbus_worker.testing import HandlerClient


@pytest.fixture(scope="module")
def demo() -> BaseRouter:
    """Return the sample's router, loaded as the worker loads it."""
    return load_router("demo_bot.handlers:router", app_dir=str(Path(__file__).parents[3] / "deploy"))


async def test_text_is_echoed_and_counted_for_each_user(demo: BaseRouter) -> None:
    """Each user has a separate context."""
    rig = Rig(demo)
    for text, openid in (("hello", "o_1"), ("hello", "o_2"), ("again", "o_1")):
        await rig.handle(a_text_envelope(text, openid=openid, lane=f"wx1:{openid}"))
    assert rig.wechat.texts == ["hello (1)", "hello (1)", "again (2)"]


async def test_an_order_asks_for_the_address(demo: BaseRouter) -> None:
    """The next text is the address; later ones are echoed again."""
    rig = Rig(demo)
    for text in ("order tea", "12 Nanjing Road", "bye"):
        await rig.handle(a_text_envelope(text))
    assert rig.wechat.texts == ["Where shall we send tea?", "tea goes to 12 Nanjing Road.", "bye (1)"]


async def test_an_image_is_returned_after_a_text(demo: BaseRouter) -> None:
    """There are two replies, in order."""
    rig = Rig(demo)
    document = {"MsgType": "image", "FromUserName": "o_1", "ToUserName": "gh", "CreateTime": "1", "MsgId": "1"}
    body = json.dumps({**document, "MediaId": "m1", "PicUrl": "http://p"}).encode()
    await rig.handle(an_envelope(1, body=body))
    assert [one for _, one in rig.wechat.sent] == [reply.Text("A fine picture."), reply.Image("m1")]


async def test_entering_users_are_greeted_and_other_messages_logged(demo: BaseRouter) -> None:
    """Events have handlers like messages; others go to the default."""
    rig = Rig(demo)
    await rig.handle(an_event_envelope("user_enter_tempsession", openid="o_1", lane="wx1:o_1"))
    assert rig.wechat.texts == ["Welcome back."]
    assert isinstance(await rig.handle(an_event_envelope("unheard_of", openid="o_1", lane="wx1:o_1")), Done)


async def test_a_page_is_answered_on_its_socket_with_the_context_of_the_chat(demo: BaseRouter) -> None:
    """A text in the chat and a message of a socket count together; a body that does not fit is rejected."""
    account = Account(name="mini", appid="wx1", kind=AccountKind.MINI_PROGRAM)
    async with HandlerClient(demo, account=account) as client:
        await client.text("hello")
        result = await client.signal("socket:chat.say", {"text": "hi"})
        assert list(result.replies) == [reply.Push("chat.said", {"text": "hi (2)"})]
        with pytest.raises(Reject, match="text: String should have at least 1 character"):
            await client.signal("socket:chat.say", {"text": ""})


async def test_fail_twice_fails_twice(demo: BaseRouter) -> None:
    """It is retried twice, then replied to once."""
    rig = Rig(demo)
    await rig.handle(a_text_envelope("fail twice"))
    await rig.handle(rig.memory_publisher.retries[0][0])
    await rig.handle(rig.memory_publisher.retries[1][0])
    assert [delay for _, delay in rig.memory_publisher.retries] == ["1s", "5s"]
    assert rig.wechat.texts == ["It worked at attempt 3."]
