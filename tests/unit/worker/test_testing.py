"""The client with which users test their handlers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from wxbus.api.models import File
from wxbus.wechat import parse_message
from wxbus.wechat.documents.document import Document
from wxbus_worker import (
    Account,
    AccountKind,
    ClickEvent,
    ConfigurationError,
    Context,
    ImageFile,
    ImageMessage,
    LocationMessage,
    Message,
    MessageHandler,
    NotPermitted,
    Reject,
    RetryLater,
    RetryPolicy,
    Router,
    SubscribeMessagePopupEvent,
    TextMessage,
    UnknownEvent,
    UserEnterSession,
    VoiceMessage,
    WeChatClient,
    WeChatError,
    XpayGoodsDeliverEvent,
    current_delivery,
    reply,
)
from wxbus_worker.testing import HandlerClient, RecordingWeChat, document_of


@pytest.fixture
def router() -> Router:
    """A bot that counts."""
    router = Router()

    @router.text("fail")
    async def fail() -> None:
        if current_delivery().attempt < 3:
            raise KeyError("x")

    @router.text("later")
    async def later() -> None:
        raise RetryLater

    @router.text("never")
    async def never() -> None:
        raise Reject("no")

    @router.text("picture")
    async def picture() -> ImageFile:
        return ImageFile(b"png")

    @router.text
    async def count(message: TextMessage, context: Context) -> list[reply.Text]:
        context.storage["count"] = context.storage.get("count", 0) + 1
        return [reply.Text(message.content), reply.Text(str(context.storage["count"]))]

    @router.event(ClickEvent, key="HELP")
    async def help_(message: ClickEvent) -> reply.Text:
        return reply.Text(f"help for {message.from_user}")

    return router


async def test_a_message_brings_replies_and_the_context(router: Router) -> None:
    """The client runs the worker's stages in memory."""
    client = HandlerClient(router)
    result = await client.send(client.new(TextMessage, content="hello"))
    assert result.replies == [reply.Text("hello"), reply.Text("1")]
    assert result.texts == ["hello", "1"]
    assert result.context.storage == {"count": 1}
    assert result.outcome == "done"
    assert (await client.text("again")).texts == ["again", "2"]
    assert (await client.context()).storage == {"count": 2}
    assert (await client.send(client.new(ClickEvent, event_key="HELP"))).texts == ["help for o_user"]


async def test_users_have_contexts_and_duplicates_are_dropped(router: Router) -> None:
    """Each openid has its own context. The same message is handled once."""
    client = HandlerClient(router)
    message = client.new(TextMessage, content="a")
    assert (await client.send(message)).texts == ["a", "1"]
    assert (await client.send(message)).replies == []
    other = await client.send(client.new(TextMessage, content="b", from_user="o_other"))
    assert other.texts == ["b", "1"]
    assert [openid for openid, _ in client.wechat.sent] == ["o_user"] * 2 + ["o_other"] * 2
    assert (await client.context("o_other")).storage == {"count": 1}


async def test_a_handlers_error_is_the_tests_error(router: Router) -> None:
    """It is raised in the test; with `raise_errors=False` the result has it, and the message is retried."""
    with pytest.raises(KeyError, match="x"):
        await HandlerClient(router).text("fail")

    client = HandlerClient(router, raise_errors=False)
    result = await client.text("fail")
    assert (result.outcome, type(result.error)) == ("retried", KeyError)
    assert [delay for _, delay in client.publisher.retries] == ["1s"]
    assert (await client.retry()).outcome == "retried"
    assert (await client.retry()).outcome == "done"
    with pytest.raises(LookupError, match="no retry is scheduled"):
        await client.retry()
    assert [(await client.text(text)).outcome for text in ("later", "never")] == ["retried", "dead_lettered"]


async def test_a_blocked_lane_does_not_wait() -> None:
    """All attempts are made at once."""
    router = Router()

    @router.text(retry=RetryPolicy(delays=(timedelta(seconds=30),), attempts=3, blocking=True))
    async def third_time() -> reply.Text:
        if (attempt := current_delivery().attempt) < 3:
            raise ValueError
        return reply.Text(str(attempt))

    assert (await HandlerClient(router).text("x")).texts == ["3"]


async def test_calls_of_wechat_are_recorded_and_answered(router: Router) -> None:
    """Uploads are stored, downloads come from the test. A missing method is named."""

    @router.voice
    async def voice(message: VoiceMessage, client: WeChatClient) -> reply.Text:
        found = await client.download_media(message.media_id)
        return reply.Text(str(found.data) if isinstance(found, File) else "")

    wechat = RecordingWeChat()
    client = HandlerClient(router, wechat=wechat)
    assert (await client.text("picture")).replies == [reply.Image("media-1")]
    assert wechat.uploads["media-1"].data == b"png"
    wechat.media["v"] = File(b"sound", "audio/amr", "v.amr")
    assert (await client.send(client.new(VoiceMessage, media_id="v"))).texts == ["b'sound'"]
    with pytest.raises(WeChatError, match="40007"):
        await client.send(client.new(VoiceMessage, media_id="other"))
    with pytest.raises(NotImplementedError, match="RecordingWeChat has no _http"):
        _ = wechat._http


async def test_any_call_is_checked_recorded_and_answered() -> None:
    """The test sets answers by path; a call that the real client refuses is refused, a missing answer is named."""
    wechat = RecordingWeChat()
    wechat.answers = {"/cgi-bin/menu/get": {"menu": {}}, "/cgi-bin/menu/delete": WeChatError(48001, "", call="/x")}

    assert await wechat.call("GET", "/cgi-bin/menu/get") == {"menu": {}}
    with pytest.raises(NotPermitted):
        await wechat.call("GET", "/cgi-bin/menu/delete")
    with pytest.raises(NotImplementedError, match="/cgi-bin/other"):
        await wechat.call("POST", "/cgi-bin/other", json={"a": 1})
    with pytest.raises(ValueError, match="slash"):
        await wechat.call("GET", "cgi-bin/menu/get")

    assert [path for _, path, _ in wechat.calls] == ["/cgi-bin/menu/get", "/cgi-bin/menu/delete", "/cgi-bin/other"]


async def test_handlers_in_class_form_are_tested_the_same_way() -> None:
    """The client takes a `MessageHandler` or a router."""

    class Shop(MessageHandler):
        async def on_text(self, message: TextMessage) -> reply.Text:
            return reply.Text(message.content)

    assert (await HandlerClient(Shop()).text("x")).texts == ["x"]
    with pytest.raises(ConfigurationError, match="has no handlers"):
        HandlerClient(Router())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (TextMessage, {"content": "你好 ]]>", "menu_id": "7"}),
        (ImageMessage, {"media_id": "m"}),
        (LocationMessage, {"latitude": 23.1, "longitude": 113.3, "label": "x"}),
        (UserEnterSession, {"session_from": "page"}),
        (SubscribeMessagePopupEvent, {}),
        (XpayGoodsDeliverEvent, {}),
    ],
)
def test_a_message_and_its_document_are_equivalent(kind: type[Message], fields: dict[str, object]) -> None:
    """The document of a new message is parsed to the same message."""
    router = Router()
    router.default(_nothing)
    message = HandlerClient(router).new(kind, **fields)
    again = parse_message(document_of(message))
    assert type(again) is kind
    assert again.model_dump() == message.model_dump()


def test_an_unknown_event_can_be_sent() -> None:
    """Its document is the one that WeChat sent."""
    document: Document = {
        "ToUserName": "gh",
        "FromUserName": "o",
        "CreateTime": "1",
        "MsgType": "event",
        "Event": "new",
    }
    assert document_of(UnknownEvent.from_document(document)) == document


async def test_the_passive_reply_comes_first() -> None:
    """The first reply is in the response to WeChat, the rest is sent by customer service."""
    router = Router()

    @router.text
    async def two(message: TextMessage) -> list[reply.Text]:
        return [reply.Text(message.content), reply.Text("more")]

    account = Account(name="shop", appid="wx_shop", kind=AccountKind.OFFICIAL_ACCOUNT, reply="passive")
    client = HandlerClient(router, account=account)
    result = await client.text("x")
    assert result.texts == ["x", "more"]
    assert result.passive == reply.Text("x")
    assert result.response is not None
    assert (result.response["MsgType"], result.response["Content"]) == ("text", "x")
    assert [sent for _, sent in client.wechat.sent] == [reply.Text("more")]


async def test_the_response_to_an_event_is_in_the_result() -> None:
    """It is the document that WeChat gets."""
    router = Router()

    @router.event(XpayGoodsDeliverEvent)
    async def deliver(_event: XpayGoodsDeliverEvent) -> reply.EventResponse:
        return reply.EventResponse({})

    client = HandlerClient(router)
    result = await client.send(client.new(XpayGoodsDeliverEvent))
    assert result.response == {"ErrCode": 0, "ErrMsg": "success"}
    assert result.replies == []


async def _nothing() -> None:
    """Do nothing."""


@pytest.fixture
def unconfigured() -> Iterator[None]:
    """Structlog with its defaults."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("unconfigured")
def test_errors_are_logged_with_plain_tracebacks(router: Router, capsys: pytest.CaptureFixture[str]) -> None:
    """Structlog's default shows all variables of all frames, thousands of lines."""
    words = "of a variable"
    HandlerClient(router)
    try:
        {"y": 1}["x"]
    except KeyError:
        structlog.get_logger().exception("failed")
    output = capsys.readouterr().out
    assert "KeyError: 'x'" in output
    assert words not in output


@pytest.mark.usefixtures("unconfigured")
def test_a_configuration_of_structlog_is_kept(router: Router) -> None:
    """The client changes only the default configuration."""
    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[capture])
    HandlerClient(router)
    assert structlog.get_config()["processors"] == [capture]
