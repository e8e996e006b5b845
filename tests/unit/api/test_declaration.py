"""The declaration of endpoints: what a method's signature sends, refuses and returns."""

# mypy: disable-error-code="empty-body"
# A declaration has a docstring only; the decorator makes the call.

from datetime import UTC, datetime
from typing import Annotated

import pytest
from aiohttp import web
from pydantic import Field, SecretStr

from tests.support.sandbox import EVENT_WAIT, World, serving
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.declaration import (
    Answer,
    Family,
    FileLimits,
    Flag,
    Key,
    MaxBytes,
    Merged,
    Part,
    Query,
    Secret,
    Timestamp,
    get,
    post,
)
from wxbus.api.declaration.decorators import endpoints_of
from wxbus.api.uploads import UploadFile
from wxbus.errors import BadRequest, WeChatUnavailable
from wxbus_worker import reply
from wxbus_worker.testing.wechat import RecordingWeChat

PATH = "/cgi-bin/test"


class Button(Part):
    """A part of a request."""

    name: Annotated[str, MaxBytes(6)]
    page_path: str | None = Field(default=None, alias="pagepath")


class Thing(Answer):
    """An answer."""

    id: str
    seen: Timestamp | None = None
    count: int = 7


class Things(Family):
    """One endpoint for each rule."""

    @get(PATH, title="得到")
    async def find(self, thing: Annotated[str, Key("id")], *, lang: str | None = None) -> Thing:
        """Return a thing."""

    @post(PATH, title="创建", fixed={"action.name": "NEW"})
    async def create(
        self,
        buttons: Annotated[list[Button], Field(max_length=2)],
        *,
        name: Annotated[str, Key("action.info.name")] = "n",
        open_now: Annotated[Flag, Key("is_open")] = True,
        until: Timestamp | None = None,
        owner: Annotated[str | None, Query("openid")] = None,
        password: Secret | None = None,
    ) -> Annotated[list[Thing], Key("data.list")]:
        """Create things."""

    @post(PATH, title="上传")
    async def upload(
        self,
        media: Annotated[UploadFile, FileLimits(4, (".png",))],
        kind: Annotated[str, Query("type")],
        note: str | None = None,
    ) -> Annotated[str, Key("url")]:
        """Upload a file."""

    @post(PATH, title="全部")
    async def replace(self, whole: Annotated[Button, Merged()]) -> None:
        """Replace it."""


async def sent(method: str, *args: object, **named: object) -> dict[str, object]:
    """Return the options of the one call that a method makes."""
    wechat = RecordingWeChat()
    wechat.answers[PATH] = {"id": 1, "url": "u"}
    await getattr(Things(wechat), method)(*args, **named)
    [(_, path, options)] = wechat.calls
    assert path == PATH
    return {name: value for name, value in options.items() if name in {"params", "json", "files"}}


async def test_arguments_are_sent_where_the_signature_says() -> None:
    """GET sends the query, POST the body; keys, fixed values, flags, moments and secrets have their wire form."""
    assert await sent("find", "t") == {"params": {"id": "t"}}
    assert await sent("find", "t", lang="en") == {"params": {"id": "t", "lang": "en"}}
    until = datetime(2026, 1, 1, tzinfo=UTC)
    assert await sent(
        "create", [Button(name="b", page_path="p")], until=until, owner="o", password=SecretStr("s"), open_now=False
    ) == {
        "params": {"openid": "o"},
        "json": {
            "action": {"name": "NEW", "info": {"name": "n"}},
            "buttons": [{"name": "b", "pagepath": "p"}],
            "is_open": 0,
            "until": 1767225600,
            "password": "s",
        },
    }
    assert await sent("replace", Button(name="b")) == {"json": {"name": "b"}}
    file = UploadFile("a.PNG", b"png")
    assert await sent("upload", file, "image", "hello") == {
        "params": {"type": "image"},
        "files": {"note": "hello", "media": file},
    }


@pytest.mark.parametrize(
    ("method", "args", "reason"),
    [
        ("find", {"thing": 5}, "Things.find: thing: .*string"),
        ("create", {"buttons": [Button(name="b")] * 3}, "Things.create: buttons: .*at most 2"),
        ("create", {"buttons": [], "until": datetime(2026, 1, 1)}, "until: .*timezone"),
        ("create", {"buttons": [], "open_now": 1}, "open_now: .*boolean"),
        ("upload", {"media": UploadFile("a.jpg", b"jpg"), "kind": "image"}, r"media: must be a file of type \.png"),
        ("upload", {"media": UploadFile("a.png", b"large"), "kind": "image"}, "media: has 5 bytes, 1 to 4 are allowed"),
    ],
)
async def test_a_wrong_argument_is_refused_before_the_network(
    method: str, args: dict[str, object], reason: str
) -> None:
    """The error names method, argument and limit, and never a value; nothing is sent."""
    wechat = RecordingWeChat()
    with pytest.raises(ValueError, match=reason):
        await getattr(Things(wechat), method)(**args)
    assert wechat.calls == []


async def test_no_error_shows_a_secret() -> None:
    """A secret of the wrong type is not in the error, nor in its context."""
    with pytest.raises(ValueError, match="password") as caught:
        await sent("create", [], password=98765)
    assert "98765" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_missing_and_unknown_arguments_are_type_errors() -> None:
    """A missing or unknown argument raises TypeError, as for any Python function."""
    for args in ({}, {"thing": "t", "other": 1}):
        with pytest.raises(TypeError):
            await Things(RecordingWeChat()).find(**args)  # type: ignore[arg-type]


def test_limits_in_bytes_count_utf8() -> None:
    """Two Chinese characters have six bytes."""
    assert Button(name="菜单").name == "菜单"
    with pytest.raises(ValueError, match="has 9 bytes in UTF-8, at most 6 are allowed"):
        Button(name="菜单三")


async def test_answers_are_read_leniently() -> None:
    """Ids may be numbers, numbers may be texts, further fields are kept.

    Missing fields, null, and "" in place of anything but a text have defaults.
    """
    wechat = RecordingWeChat()
    things = Things(wechat)
    wechat.answers[PATH] = {"errcode": 0, "errmsg": "ok", "id": 2**60, "seen": "1767225600", "count": None, "new": 1}
    found = await things.find("t")
    assert (found.id, found.seen, found.count) == (str(2**60), datetime(2026, 1, 1, tzinfo=UTC), 7)
    assert found.model_extra == {"new": 1}
    wechat.answers[PATH] = {"data": {"list": [{"id": "a"}]}}
    assert [thing.id for thing in await things.create([])] == ["a"]
    wechat.answers[PATH] = {"id": "", "seen": "", "count": ""}
    found = await things.find("t")
    assert (found.id, found.seen, found.count) == ("", None, 7)
    for empty in ({}, {"data": None}, {"data": {"list": None}}, {"data": {"list": ""}}):
        wechat.answers[PATH] = empty
        assert await things.create([]) == []
    wechat.answers[PATH] = {}
    with pytest.raises(WeChatUnavailable, match=f"{PATH}: invalid answer"):
        await things.find("t")


def test_a_family_lists_its_endpoints() -> None:
    """In the order of declaration, with the first line of the docstring."""
    found = endpoints_of(Things)
    assert [*found] == ["find", "create", "upload", "replace"]
    assert found["find"].summary == "Return a thing."
    assert (found["create"].method, found["create"].path, found["create"].title) == ("POST", PATH, "创建")


def test_items_of_an_answer_may_have_results_of_their_own() -> None:
    """The errcode of the call is no field of the answer; one that a model declares is kept."""

    class Item(Answer):
        errcode: int = 0

    assert Item.model_validate({"errcode": 5, "errmsg": "no"}).model_dump() == {"errcode": 5}
    assert Thing.model_validate({"id": 1, "errcode": 5, "errmsg": "no"}).model_extra == {}


async def test_the_other_fields_of_an_error_are_kept_apart_from_its_text(world: World) -> None:
    """WeChat sends details with some errcodes: `answer` has them, the text does not."""

    async def failing(_request: web.Request) -> web.Response:
        return web.json_response({"errcode": 45171, "errmsg": "some failed", "fail_openid_list": ["oBob"]})

    app = web.Application()
    app.router.add_post("/cgi-bin/tags/members/batchtagging", failing)
    async with serving(app) as port, WeChatHttp.open(f"http://127.0.0.1:{port}", EVENT_WAIT) as http:
        with pytest.raises(BadRequest) as caught:
            await WeChatClient("wxshop", http, world.tokens).tags.add(100, ["oAlice", "oBob"])
    assert caught.value.answer == {"fail_openid_list": ["oBob"]}
    assert "oBob" not in str(caught.value)


async def test_a_reply_that_is_no_customer_service_message_is_refused_before_the_network() -> None:
    """A passive reply as customer-service message: the error names it."""
    wechat = RecordingWeChat()
    with pytest.raises(ValueError, match=r"message: .*news of 2 articles"):
        await wechat.customer_service.send("oAlice", reply.News((reply.Article("a"), reply.Article("b"))))
    assert wechat.calls == []
