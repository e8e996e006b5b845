"""WeChat's API: errcodes with HTTP 200 (protocol reference 8 to 10 and 12)."""

import io
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from tests.support.sandbox import SECRET, World

USER = "oUser0000000000000000000001"
CLASSIC = {"grant_type": "client_credential", "appid": "wxshop", "secret": SECRET}


class Caller:
    """Calls the sandbox without our client, which does not make such mistakes."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session

    async def __call__(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Return the response's JSON; the status must be 200."""
        async with self._session.request(method, self._world.url + path, params=query, **options) as response:
            assert response.status == 200
            found: dict[str, Any] = await response.json(content_type=None)
            return found

    async def errcode(self, method: str, path: str, **options: Any) -> int:
        """Return the response's errcode, 0 without one."""
        return int((await self(method, path, **options)).get("errcode", 0))

    async def send(self, account: str, payload: Mapping[str, Any]) -> int:
        """Send a customer-service message; return the errcode."""
        query = {"access_token": await self._world.tokens.get(f"wx{account}")}
        body = json.dumps(payload, ensure_ascii=False).encode()
        return await self.errcode("POST", "/cgi-bin/message/custom/send", query=query, data=body)


@pytest.fixture
async def call(world: World) -> AsyncIterator[Caller]:
    """Return a caller of this test's sandbox."""
    async with aiohttp.ClientSession() as session:
        yield Caller(world, session)


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({}, 0),
        ({"grant_type": "x"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wxnobody"}, 40013),
        ({"secret": "not-the-secret"}, 40125),
        ({"appid": "wxkeyless"}, 40125),
    ],
)
@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token"])
async def test_a_token_needs_the_right_secret(call: Caller, path: str, change: dict[str, str], errcode: int) -> None:
    """Each mistake has its errcode, and no response contains the secret."""
    parameters = {**CLASSIC, **change}
    classic = path.endswith("/token")
    response = await (call("GET", path, query=parameters) if classic else call("POST", path, json=parameters))
    assert response.get("errcode", 0) == errcode
    assert ("access_token" in response) is (errcode == 0)
    assert not parameters["secret"] or parameters["secret"] not in str(response)


async def test_methods_and_bodies_are_checked(call: Caller) -> None:
    """43001, 43002, 44002 and 47001, also for a force_refresh that is not a boolean."""
    assert await call.errcode("POST", "/cgi-bin/token", query=CLASSIC) == 43001
    assert await call.errcode("GET", "/cgi-bin/stable_token", query=CLASSIC) == 43002
    assert await call.errcode("POST", "/cgi-bin/stable_token") == 44002
    for body in (b"{", b"[]", b"\xff", b'{"a":' * 10_000):
        assert await call.errcode("POST", "/cgi-bin/stable_token", data=body) == 47001
    assert await call.errcode("POST", "/cgi-bin/stable_token", json={**CLASSIC, "force_refresh": "yes"}) == 47001


async def test_errors_have_a_request_id(call: Caller) -> None:
    """The errmsg ends in `rid: ...`, by which WeChat's support finds the call."""
    assert " rid: " in (await call("GET", "/cgi-bin/token"))["errmsg"]


async def test_calls_need_a_token(call: Caller) -> None:
    """Missing, malformed and unknown tokens have their own errcodes."""
    path = "/cgi-bin/message/custom/send"
    assert await call.errcode("POST", path, json={}) == 41001
    assert await call.errcode("POST", path, query={"access_token": "x"}, json={}) == 40014
    assert await call.errcode("POST", path, query={"access_token": "91_" + "a" * 120}, json={}) == 40001


@pytest.mark.parametrize("path", ["/cgi-bin/no/such", "/wxa/no_such", "/sns/no_such"])
async def test_unknown_calls_are_errors(call: Caller, path: str) -> None:
    """Calls that the sandbox does not implement have errcode 40066."""
    assert await call.errcode("POST", path, json={}) == 40066


@pytest.mark.parametrize("escaped", ['"\\u4f60"', '"a\\\\\\u4f60"'])
async def test_escaped_unicode_is_rejected(call: Caller, world: World, escaped: str) -> None:
    """40033, as WeChat does. Escaped backslashes and control characters are allowed."""
    query = {"access_token": await world.tokens.get("wxshop")}
    path = "/cgi-bin/message/custom/send"
    assert await call.errcode("POST", path, query=query, data=f'{{"touser":{escaped}}}'.encode()) == 40033
    for harmless in ('"\\\\u4f60"', '"\\u000b"'):
        assert await call.errcode("POST", path, query=query, data=f'{{"touser":{harmless}}}'.encode()) == 40003


@pytest.mark.parametrize(
    ("payload", "errcode"),
    [
        ({"msgtype": "text", "text": {"content": "x"}}, 0),
        ({"msgtype": "text", "text": {"content": "字" * 682 + "ab"}}, 0),
        ({"msgtype": "text", "text": {"content": "字" * 683}}, 45002),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": 5}}, 40035),
        ({"msgtype": "text"}, 40035),
        ({"msgtype": "telegram"}, 40008),
        ({}, 40008),
        ({"msgtype": "link", "link": {"title": "t", "description": "d", "url": "u"}}, 48008),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "video", "video": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}]}}, 0),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}] * 2}}, 45008),
        ({"msgtype": "news", "news": {"articles": "t"}}, 40035),
        ({"msgtype": "msgmenu", "msgmenu": {"list": [{"id": "1", "content": "a"}]}}, 0),
        ({"msgtype": "msgmenu", "msgmenu": {}}, 40035),
        ({"msgtype": "wxcard", "wxcard": {"card_id": "c"}}, 0),
        ({"msgtype": "mpnewsarticle", "mpnewsarticle": {"article_id": "a"}}, 0),
    ],
)
async def test_messages_are_checked(call: Caller, world: World, payload: dict[str, Any], errcode: int) -> None:
    """Messages that WeChat would not deliver get its errcode and are not recorded."""
    await world.control.text("shop", "hi", openid=USER)
    assert await call.send("shop", {"touser": USER, **payload}) == errcode
    assert len(await world.control.sent()) == (errcode == 0)


async def test_mini_programs_have_their_own_types(call: Caller, world: World) -> None:
    """Mini Programs send links and their own pages but no voice; Official Accounts must name the Mini Program."""
    await world.control.text("mini", "hi", openid=USER)
    await world.control.text("shop", "hi", openid="oOther")
    thumbs = {name: await world.client(name).upload_media("thumb", "t.jpg", b"jpg") for name in ("mini", "shop")}
    link = {"title": "t", "description": "d", "url": "u"}
    page = {"title": "t", "pagepath": "p", "thumb_media_id": thumbs["mini"]}

    def about(kind: str, body: Mapping[str, Any], user: str = USER) -> dict[str, Any]:
        return {"touser": user, "msgtype": kind, kind: body}

    assert await call.send("mini", about("link", link)) == 0
    assert await call.send("mini", about("voice", {"media_id": "m"})) == 48008
    assert await call.send("mini", about("miniprogrampage", page)) == 0
    assert await call.send("mini", about("miniprogrampage", {**page, "appid": "wxother"})) == 40013
    page["thumb_media_id"] = thumbs["shop"]
    assert await call.send("shop", about("miniprogrampage", page, "oOther")) == 40013
    assert await call.send("shop", about("miniprogrampage", {**page, "appid": "wxmini"}, "oOther")) == 0


@pytest.mark.parametrize("path", ["/cgi-bin/message/custom/typing", "/cgi-bin/message/custom/business/typing"])
async def test_typing(call: Caller, world: World, path: str) -> None:
    """45072: bad command; 45080: no action in 30 s; 45081: already shown; 15 s or a message end it."""
    query = {"access_token": await world.tokens.get("wxshop")}

    async def typing(command: str) -> int:
        return await call.errcode("POST", path, query=query, json={"touser": USER, "command": command})

    assert await typing("Typing") == 45080
    await world.control.text("shop", "hi", openid=USER)
    assert await typing("Sleeping") == 45072
    assert [await typing("Typing"), await typing("Typing")] == [0, 45081]
    assert [await typing("CancelTyping"), await typing("Typing")] == [0, 0]
    await call.send("shop", {"touser": USER, "msgtype": "text", "text": {"content": "x"}})
    assert await typing("Typing") == 0
    await world.control.advance(15)
    assert await typing("Typing") == 0
    await world.control.advance(16)
    assert await typing("Typing") == 45080


@pytest.mark.parametrize(
    ("kind", "filename", "size", "errcode"),
    [
        ("image", "a.PNG", 100, 0),
        ("picture", "a.png", 100, 40004),
        ("image", "a.exe", 100, 40005),
        ("image", "a.png", 0, 40006),
        ("thumb", "a.jpg", 64 * 1024, 0),
        ("thumb", "a.jpg", 64 * 1024 + 1, 40006),
        ("voice", "a.amr", 2 * 1024 * 1024 + 1, 40006),
        ("image", "a.jpg", 10 * 1024 * 1024 + 1, 40006),
    ],
)
async def test_uploads_are_checked(
    call: Caller, world: World, kind: str, filename: str, size: int, errcode: int
) -> None:
    """Kind, suffix and size are checked."""
    form = aiohttp.FormData()
    form.add_field("media", io.BytesIO(b"x" * size), filename=filename)
    query = {"access_token": await world.tokens.get("wxshop"), "type": kind}
    assert await call.errcode("POST", "/cgi-bin/media/upload", query=query, data=form) == errcode


async def test_an_upload_without_a_file_is_rejected(call: Caller, world: World) -> None:
    """41005: not a form, a form without `media`, or a field without a filename."""
    query = {"access_token": await world.tokens.get("wxshop"), "type": "image"}
    other, nameless = aiohttp.FormData(), aiohttp.FormData({"media": "text"})
    other.add_field("file", b"x", filename="a.png")
    nameless.add_field("other", b"x", filename="a.png")
    for data in (b"x", other, nameless):
        assert await call.errcode("POST", "/cgi-bin/media/upload", query=query, data=data) == 41005
    assert await call.errcode("GET", "/cgi-bin/media/upload", query=query) == 43002


async def test_media_belongs_to_its_account(call: Caller, world: World) -> None:
    """Tokens of other accounts get 40007."""
    media_id = await world.client("shop").upload_media("image", "a.png", b"x")
    query = {"access_token": await world.tokens.get("wxmini"), "media_id": media_id}
    assert await call.errcode("GET", "/cgi-bin/media/get", query=query) == 40007


async def test_login_codes_expire_and_belong_to_their_account(call: Caller, world: World) -> None:
    """40029 for both, 41008 without a code; the content type is text/plain, as WeChat's."""
    query = {"appid": "wxmini", "secret": SECRET, "grant_type": "authorization_code"}
    code, expired = await world.control.js_code("mini"), await world.control.js_code("mini")
    path = "/sns/jscode2session"
    assert await call.errcode("GET", path, query=query) == 41008
    assert await call.errcode("GET", path, query={**query, "js_code": code, "appid": "wxshop"}) == 40029
    assert await call.errcode("GET", path, query={**query, "js_code": code}) == 0
    await world.control.advance(300)
    assert await call.errcode("GET", path, query={**query, "js_code": expired}) == 40029
