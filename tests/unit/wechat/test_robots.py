"""Messages of smart robots have types and a lane; their answers keep WeCom's limits (WeCom reference 8)."""

import json
from typing import Any

import pytest

from tests.unit.wechat.test_event_samples import unknown
from wxbus import wechat as w
from wxbus.wechat import reply
from wxbus.wechat.documents.codec import parse
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of
from wxbus.wechat.replies.robot import joined, response_code_of, robot_answer

HEADER = {
    "msgid": "CAIQ",
    "aibotid": "aib1",
    "chatid": "group1",
    "chattype": "group",
    "from": {"userid": "zhangsan"},
    "response_url": "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=c1",
}
MESSAGES: list[tuple[type[w.Message], str, dict[str, Any]]] = [
    (w.RobotTextMessage, "text", {"content": "@bot hi"}),
    (w.RobotImageMessage, "image", {"url": "u"}),
    (w.RobotVoiceMessage, "voice", {"content": "spoken"}),
    (w.RobotFileMessage, "file", {"url": "u"}),
    (w.RobotVideoMessage, "video", {"url": "u"}),
    (w.RobotMixedMessage, "mixed", {"msg_item": [{"msgtype": "text", "text": {"content": "a"}}]}),
]
CARD = reply.TemplateCard({"card_type": "text_notice"})


def parsed(body: dict[str, Any]) -> tuple[w.Message, dict[str, Any]]:
    """Return the message and the document of a push."""
    document = parse(json.dumps(body).encode())
    return w.parse_message(document), document


def test_messages_of_members_have_types() -> None:
    """The lane is that of the member, in a group as well; the id of the message identifies its copies."""
    for model, name, content in MESSAGES:
        quote = {"msgtype": "text", "text": {"content": "before"}}
        message, document = parsed({**HEADER, "msgtype": name, name: content, "quote": quote})
        assert type(message) is model
        assert unknown(message) == []
        assert isinstance(message, w.RobotMessage)
        assert (message.from_user, message.to_user, message.chat_id) == ("zhangsan", "aib1", "group1")
        assert message.quote is not None
        assert message.quote.text is not None
        assert (openid_of(document), lane_of("bot", document)) == ("zhangsan", "bot:zhangsan")
        assert dedup_id("bot", document) == "bot:aib1:CAIQ"
        assert "response_code" not in repr(message)
    spoken, _ = parsed({**HEADER, "msgtype": "voice", "voice": {"content": "spoken"}})
    assert isinstance(spoken, w.VoiceMessage)
    assert spoken.recognition == "spoken"


def test_a_question_how_a_text_goes_on_has_a_lane_of_its_own() -> None:
    """The lane of the member is busy with the handler that writes the text."""
    poll, document = parsed({**HEADER, "msgtype": "stream", "stream": {"id": "s1"}})
    assert isinstance(poll, w.RobotStreamPoll)
    assert (poll.id, openid_of(document), lane_of("bot", document)) == ("s1", None, "bot:stream:s1")


def test_texts_become_one_answer() -> None:
    """What was said comes first; a card is an answer alone; what exceeds a limit is refused with the limit."""
    assert joined([reply.Text("b"), reply.Markdown("c")], said="a") == (reply.Markdown("a\n\nb\n\nc"),)
    assert joined([], said="") == ()
    assert joined([CARD]) == (CARD,)
    for replies, said, problem in (
        ([CARD], "a", "either text or one card"),
        ([CARD, CARD], "", "either text or one card"),
        ([reply.Image("m")], "", "a robot cannot send image"),
        ([reply.Text("x" * 20_481)], "", "text of 20481 bytes; the limit of WeCom is 20480"),
    ):
        with pytest.raises(ValueError, match=problem):
            joined(replies, said=said)
    rated, _ = parsed({**HEADER, "msgtype": "event", "event": {"eventtype": "feedback_event", "feedback_event": {}}})
    with pytest.raises(ValueError, match="cannot be the answer of a robot to RobotFeedbackEvent"):
        robot_answer(reply.Text("thanks"), rated, "")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (HEADER["response_url"], "c1"),
        ("http://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=c1", ""),
        ("https://qyapi.weixin.qq.com.example.com/cgi-bin/aibot/response?response_code=c1", ""),
        ("https://example.com/cgi-bin/aibot/response?response_code=c1", ""),
        ("https://qyapi.weixin.qq.com/cgi-bin/other?response_code=c1", ""),
        ("", ""),
    ],
)
def test_only_addresses_of_wecom_have_a_code(url: str, code: str) -> None:
    """A push cannot make a worker call another host."""
    assert response_code_of(url) == code
