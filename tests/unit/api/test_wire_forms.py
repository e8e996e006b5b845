"""Endpoints whose arguments have a form of their own on the wire."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from tests.support.api_server import a_client
from tests.support.sandbox import World
from wxbus.api.endpoints.mass_content import (
    MassArticles,
    MassCard,
    MassImages,
    MassText,
    MassVideo,
    MassVoice,
)
from wxbus.api.endpoints.payment_rules import Environment
from wxbus.api.endpoints.periods import LastDays, Period
from wxbus.errors import BadRequest
from wxbus_worker.testing.wechat import RecordingWeChat

MASS = "/cgi-bin/message/mass/"


class AnyAnswer(dict[str, Any]):
    """An answer without fields to every path."""

    def __contains__(self, path: object) -> bool:
        """Return True."""
        return True

    def __missing__(self, path: str) -> dict[str, Any]:
        """Return an object without fields."""
        return {}


def a_wechat(**answers: dict[str, Any]) -> RecordingWeChat:
    """Return a WeChat that records calls, with these answers to mass messages, by the last part of the path."""
    wechat = RecordingWeChat()
    wechat.answers = AnyAnswer({f"{MASS}{name}": answer for name, answer in answers.items()})
    return wechat


async def test_mass_messages_name_their_type_and_their_recipients() -> None:
    """The fields of a message are in an object with its own name; a tag excludes `is_to_all`."""
    wechat = a_wechat(sendall={"msg_id": 2**60, "msg_data_id": 2**60 + 1})
    mass = wechat.mass_messages
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
    wechat = a_wechat()
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
        await wechat.mass_messages.preview("oUser", message)
        assert wechat.calls[-1][2]["json"] == {"touser": "oUser", **wire}


async def test_ids_are_sent_as_numbers() -> None:
    """WeChat wants a number; the text keeps all digits."""
    wechat = a_wechat()
    await wechat.mass_messages.delete(str(2**62 + 1), article=1)
    assert wechat.calls[-1][2]["json"] == {"msg_id": 2**62 + 1, "article_idx": 1}
    with pytest.raises(ValueError, match="msg_id"):
        await wechat.mass_messages.delete("12a")


async def test_a_session_key_is_never_sent() -> None:
    """WeChat gets a signature with it: the HMAC of an empty text."""
    wechat = a_wechat()
    await wechat.sessions.check("oUser", SecretStr("c2Vzc2lvbi1rZXk="))
    signature = hmac.new(b"c2Vzc2lvbi1rZXk=", b"", hashlib.sha256).hexdigest()
    assert wechat.calls[-1][2]["params"] == {"sig_method": "hmac_sha256", "openid": "oUser", "signature": signature}


async def test_periods_are_sent_as_their_first_and_last_day() -> None:
    """A day, a week and a month need one date; Official Accounts have dashes in it, Mini Programs have none."""
    sent: dict[str, object] = {}
    wechat = a_wechat()
    account, mini = wechat.account_statistics, wechat.mini_program_statistics
    day, wednesday = date(2026, 3, 31), date(2026, 2, 25)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: account.articles(day),
        lambda: account.new_followers(Period(begin=date(2026, 3, 25), end=day)),
        lambda: mini.summary(day),
        lambda: mini.weekly_visits(wednesday),
        lambda: mini.monthly_visits(wednesday),
        lambda: mini.visited_pages(day),
    ]
    for call in calls:
        await call()
        _, path, options = wechat.calls[-1]
        sent[path.rpartition("/")[2].removeprefix("getweanalysisappid")] = (*options["json"].values(),)
    assert sent == {
        "getarticlesummary": ("2026-03-31", "2026-03-31"),
        "getusersummary": ("2026-03-25", "2026-03-31"),
        "dailysummarytrend": ("20260331", "20260331"),
        "weeklyvisittrend": ("20260223", "20260301"),
        "monthlyvisittrend": ("20260201", "20260228"),
        "visitpage": ("20260331", "20260331"),
    }
    await mini.portrait(LastDays(until=day, days=7))
    assert wechat.calls[-1][2]["json"] == {"begin_date": "20260325", "end_date": "20260331"}


async def test_a_period_that_is_too_long_is_refused_before_the_network() -> None:
    """The error names the days and the limit, or that the end is before the begin."""
    wechat = RecordingWeChat()
    with pytest.raises(ValueError, match=r"new_followers: period: has 8 days, at most 7"):
        await wechat.account_statistics.new_followers(Period(begin=date(2026, 3, 1), end=date(2026, 3, 8)))
    with pytest.raises(ValueError, match="end is before begin"):
        Period(begin=date(2026, 3, 2), end=date(2026, 3, 1))
    assert wechat.calls == []


async def test_the_sandbox_refuses_other_periods(world: World) -> None:
    """A week that does not begin on Monday, and two days where one is wanted, are 61501, as with WeChat."""
    for account, path, begin, end in (
        ("mini", "/datacube/getweanalysisappidweeklyvisittrend", "20260224", "20260302"),
        ("mini", "/datacube/getweanalysisappiduserportrait", "20260224", "20260225"),
        ("shop", "/datacube/getarticlesummary", "2026-02-24", "2026-02-25"),
        ("shop", "/datacube/getusersummary", "2026-02-01", "2026-02-25"),
    ):
        with pytest.raises(BadRequest) as caught:
            await world.client(account).call("POST", path, json={"begin_date": begin, "end_date": end})
        assert caught.value.errcode == 61501, path


async def test_times_of_logs_are_those_of_china() -> None:
    """WeChat wants a text without a timezone."""
    wechat = a_wechat()
    await wechat.js_errors.page(datetime(2026, 1, 1, 20, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    sent = wechat.calls[-1][2]["json"]
    assert (sent["startTime"], sent["endTime"]) == ("2026-01-02 04:00:00", "2026-01-02 08:00:00")


async def test_payments_are_signed_in_the_bytes_that_are_sent() -> None:
    """`pay_sig` signs path and body with the AppKey, `signature` the body with the session key; neither is sent."""
    sent: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(request: web.Request) -> web.Response:
        sent.append((request.path, dict(request.query), await request.read()))
        return web.json_response({"balance": 1})

    async with a_client(serve) as (client, _):
        found = await client.virtual_payment.coin_balance(
            "oUser", "127.0.0.1", SecretStr("app-key"), SecretStr("session-key"), env=Environment.SANDBOX
        )
    [(path, query, body)] = sent
    assert found.balance == 1
    assert b'"env": 1' in body
    assert query["pay_sig"] == hmac.new(b"app-key", f"{path}&".encode() + body, hashlib.sha256).hexdigest()
    assert query["signature"] == hmac.new(b"session-key", body, hashlib.sha256).hexdigest()
    assert b"-key" not in body
