"""Messages and events of WeCom's smart robots (WeCom reference 8.2, 8.3). Field names equal WeCom's names.

`from_user` is the member's userid, `to_user` the id of the robot. The content of a message is next to its header.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from wxbus.wechat.messages.base import WECOM_NAMES, Event, Int, Many, Maybe, Message, Part, UserMessage
from wxbus.wechat.messages.user import FileMessage, ImageMessage, TextMessage, VideoMessage, VoiceMessage


class RobotPart(Part):
    """A structure inside a message to a robot."""

    model_config = WECOM_NAMES


class RobotText(RobotPart):
    """A text."""

    content: str = ""


class RobotFile(RobotPart):
    """The address of a file, valid for five minutes; the file is encrypted with the robot's AES key."""

    url: str = ""


class RobotItem(RobotPart):
    """A part of a mixed message."""

    msgtype: str = ""
    """`text` or `image`."""
    text: Maybe[RobotText] = None
    image: Maybe[RobotFile] = None


class RobotMixed(RobotPart):
    """Texts and images."""

    msg_item: Many[RobotItem] = ()


class RobotQuote(RobotPart):
    """The message that the member quoted; one member is set, that of `msgtype`."""

    msgtype: str = ""
    text: Maybe[RobotText] = None
    image: Maybe[RobotFile] = None
    mixed: Maybe[RobotMixed] = None
    voice: Maybe[RobotText] = None
    file: Maybe[RobotFile] = None
    video: Maybe[RobotFile] = None


class RobotHeader(Message):
    """The common fields of messages and events of robots."""

    model_config = WECOM_NAMES
    family: ClassVar[str] = "robot:"

    to_user: str = Field(default="", alias="aibotid")
    """The robot."""
    from_user: str = Field(default="", alias="from_user")
    """The member."""
    created_at: Annotated[int, BeforeValidator(lambda value: value or 0)] = Field(default=0, alias="create_time")
    """0 in messages: WeCom sends the time of events only."""
    msg_type: str = Field(alias="msgtype")
    msg_id: str = Field(default="", alias="msgid")
    chat_id: str = Field(default="", alias="chatid")
    """Of a group, else ""."""
    chat_type: str = Field(default="", alias="chattype")
    """`single` or `group`."""

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:
        """Move the sender, and the members of `text`, `event` ..., next to the header."""
        if not isinstance(data, dict):
            return data
        sender, kind = data.get("from"), data.get("msgtype")
        found = {name: value for name, value in data.items() if name not in ("from", kind)}
        if isinstance(sender, dict):
            found["from_user"] = sender.get("userid", "")
        inner = data.get(kind) if isinstance(kind, str) else None
        if isinstance(inner, dict):
            event = inner.get("eventtype")
            nested = inner.get(event) if isinstance(event, str) else None
            found |= {name: value for name, value in inner.items() if name != event}
            found |= nested if isinstance(nested, dict) else {}
        return found


class RobotMessage(RobotHeader, UserMessage):
    """A message to a robot. Text of a group contains the name of the robot."""

    model_config = WECOM_NAMES
    response_url: str = Field(default="", repr=False)
    """A secret that allows one answer within an hour. `reply` uses it for late replies."""
    quote: Maybe[RobotQuote] = None


class RobotTextMessage(RobotMessage, TextMessage):
    """A text."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="text", alias="msgtype")


class RobotImageMessage(RobotMessage, ImageMessage):
    """An image."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="image", alias="msgtype")
    url: str = ""
    """Valid for five minutes; the file is encrypted with the robot's AES key."""


class RobotMixedMessage(RobotMessage):
    """Texts and images."""

    msg_type: str = Field(default="mixed", alias="msgtype")
    msg_item: Many[RobotItem] = ()


class RobotVoiceMessage(RobotMessage, VoiceMessage):
    """A voice message."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="voice", alias="msgtype")
    recognition: str = Field(default="", alias="content")
    """Its text."""


class RobotFileMessage(RobotMessage, FileMessage):
    """A file of at most 100 MB."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="file", alias="msgtype")
    url: str = ""


class RobotVideoMessage(RobotMessage, VideoMessage):
    """A video."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="video", alias="msgtype")
    url: str = ""


class RobotStreamPoll(RobotHeader, UserMessage):
    """WeCom polls a streamed answer; the worker answers the poll, and no handler gets it."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="stream", alias="msgtype")
    id: str = ""
    """Of the stream."""


class RobotEvent(RobotHeader, Event):
    """An event of a robot."""

    model_config = WECOM_NAMES
    family: ClassVar[str] = "robot:event:"

    msg_type: str = Field(default="event", alias="msgtype")
    event: str = Field(alias="eventtype")
    response_url: str = Field(default="", repr=False)


class RobotEnterChatEvent(RobotEvent):
    """A member opened the chat with the robot, for the first time on a day; a text or a card answers it."""

    event: str = Field(default="enter_chat", alias="eventtype")


class RobotOptionIds(RobotPart):
    """The selected options."""

    option_id: Many[str] = ()


class RobotSelectedItem(RobotPart):
    """The options that a member selected for one question of a card."""

    question_key: str = ""
    option_ids: Maybe[RobotOptionIds] = None


class RobotSelectedItems(RobotPart):
    """The answered questions of a card."""

    selected_item: Many[RobotSelectedItem] = ()


class RobotCardEvent(RobotEvent):
    """A member clicked a card."""

    event: str = Field(default="template_card_event", alias="eventtype")
    card_type: str = ""
    event_key: str = ""
    task_id: str = ""
    selected_items: Maybe[RobotSelectedItems] = None


class RobotFeedbackEvent(RobotEvent):
    """A member rated an answer."""

    event: str = Field(default="feedback_event", alias="eventtype")
    id: str = ""
    """Of the answer's feedback."""
    type: Int = None
    """1 good, 2 bad, 3 withdrawn."""
    content: str = ""
    inaccurate_reason_list: Many[str] = ()
    """1 off topic, 2 incomplete, 3 wrong, 4 wrong data."""
