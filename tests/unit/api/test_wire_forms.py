"""Endpoints whose arguments have a form of their own on the wire."""

import hashlib
import hmac
from typing import Any

import pytest
from pydantic import SecretStr

from wxbus.api.endpoints.mass_content import (
    MassArticles,
    MassCard,
    MassImages,
    MassText,
    MassVideo,
    MassVoice,
)
from wxbus.api.endpoints.mass_messages import MassMessages
from wxbus.api.endpoints.sessions import Sessions
from wxbus_worker.testing.wechat import RecordingWeChat

MASS = "/cgi-bin/message/mass/"


def a_wechat(path: str, answer: dict[str, Any]) -> RecordingWeChat:
    """Return a recording WeChat with one answer."""
    wechat = RecordingWeChat()
    wechat.answers[path] = answer
    return wechat


async def test_mass_messages_name_their_type_and_their_recipients() -> None:
    """The fields of a message are in an object with its own name; a tag excludes `is_to_all`."""
    wechat = a_wechat(f"{MASS}sendall", {"msg_id": 2**60, "msg_data_id": 2**60 + 1})
    mass = MassMessages(wechat)
    job = await mass.send_to_all(MassText(content="你好"), client_id="c", send_ignore_reprint=True)
    assert (job.msg_id, job.msg_data_id) == (str(2**60), str(2**60 + 1))
    await mass.send_to_tag(2, MassArticles(media_id="m"))
    assert [call[2]["json"] for call in wechat.calls] == [
        {
            "filter": {"is_to_all": True},
            "msgtype": "text",
            "text": {"content": "你好"},
            "clientmsgid": "c",
            "send_ignore_reprint": 1,
        },
        {"filter": {"is_to_all": False, "tag_id": 2}, "msgtype": "mpnews", "mpnews": {"media_id": "m"}},
    ]


async def test_every_kind_of_mass_message() -> None:
    """Each has the msgtype and the object of WeChat."""
    wechat = a_wechat(f"{MASS}preview", {})
    for message, wire in (
        (MassVoice(media_id="v"), {"msgtype": "voice", "voice": {"media_id": "v"}}),
        (
            MassImages(media_ids=["a", "b"], need_open_comment=True),
            {
                "msgtype": "image",
                "images": {
                    "media_ids": ["a", "b"],
                    "recommend": "",
                    "need_open_comment": 1,
                    "only_fans_can_comment": 0,
                },
            },
        ),
        (
            MassVideo(media_id="v", title="t"),
            {"msgtype": "mpvideo", "mpvideo": {"media_id": "v", "title": "t", "description": ""}},
        ),
        (MassCard(card_id="p"), {"msgtype": "wxcard", "wxcard": {"card_id": "p", "card_ext": ""}}),
    ):
        await MassMessages(wechat).preview("oUser", message)
        assert wechat.calls[-1][2]["json"] == {"touser": "oUser", **wire}


async def test_ids_are_sent_as_numbers() -> None:
    """WeChat wants a number; the text keeps all digits."""
    wechat = a_wechat(f"{MASS}delete", {})
    await MassMessages(wechat).delete(str(2**62 + 1), article=1)
    assert wechat.calls[-1][2]["json"] == {"msg_id": 2**62 + 1, "article_idx": 1}
    with pytest.raises(ValueError, match="msg_id"):
        await MassMessages(wechat).delete("12a")


async def test_a_session_key_is_never_sent() -> None:
    """WeChat gets a signature with it: the HMAC of an empty text."""
    wechat = a_wechat("/wxa/checksession", {})
    await Sessions(wechat).check("oUser", SecretStr("c2Vzc2lvbi1rZXk="))
    signature = hmac.new(b"c2Vzc2lvbi1rZXk=", b"", hashlib.sha256).hexdigest()
    assert wechat.calls[-1][2]["params"] == {"sig_method": "hmac_sha256", "openid": "oUser", "signature": signature}
