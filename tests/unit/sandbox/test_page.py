"""The page of the sandbox: its files, what the sandbox sends to it, and how it works in a browser."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from tests.support.sandbox import ACCOUNTS, AES_KEY, EVENT_WAIT, SECRET, TOKEN, World, answering
from wxbus.api.endpoints.menu_buttons import ViewButton
from wxbus.api.endpoints.menus import MatchRule
from wxbus.errors import WeChatUnavailable
from wxbus.wechat import reply
from wxbus_sandbox.cli.serve import announce
from wxbus_sandbox.models import Fault, SendRequest
from wxbus_sandbox.page import pages
from wxbus_sandbox.settings import Address

USER = "oSandboxUser0000000000000001"
SEND_PATH = "/cgi-bin/message/custom/send"
FILES = sorted(
    path.relative_to(pages.FILES).as_posix()
    for path in pages.FILES.rglob("*")
    if path.is_file() and path.suffix != ".html"
)

TEXT_FILES = [path for path in FILES if path.endswith("/texts.js")]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client without the sandbox's own models."""
    async with aiohttp.ClientSession() as session:
        yield session


class Events:
    """The server-sent events of a stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content
        self.last_id = ""

    @classmethod
    @asynccontextmanager
    async def opened(cls, world: World, last_id: str = "") -> AsyncIterator["Events"]:
        """Open a stream, that continues after `last_id`."""
        async with (
            aiohttp.ClientSession(headers={"Last-Event-ID": last_id} if last_id else {}) as session,
            session.get(world.url + "/sandbox/events") as response,
        ):
            assert response.content_type == "text/event-stream"
            yield cls(response)

    async def next(self) -> tuple[str, dict[str, Any]]:
        """Return the name and the data of the next event."""
        found: dict[str, str] = {}
        async with asyncio.timeout(EVENT_WAIT):
            while "data" not in found:
                name, _, value = (await self._lines.readline()).decode().rstrip("\n").partition(": ")
                found |= {name: value} if name else {}
        self.last_id = found["id"]
        return found["event"], json.loads(found["data"])


async def test_the_page_has_no_external_resources(world: World, http: aiohttp.ClientSession) -> None:
    """The Content-Security-Policy of each file forbids them, and inline code."""
    for path in ("/", *(f"/sandbox/page/{name}" for name in FILES)):
        async with http.get(world.url + path) as answer:
            content = await answer.read()
        assert answer.status == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        if answer.content_type.startswith("image/"):
            continue
        assert not re.search(r"//[a-z]{2}", content.decode()), f"{path} names an external address"
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", content.decode()), path
        if path == "/":
            assert not re.search(r"<script>|<style|\son\w+=|style=", content.decode()), "the policy forbids inline code"


async def test_the_page_has_the_readers_language(world: World, http: aiohttp.ClientSession) -> None:
    """`Accept-Language` decides, English is the default, and caches keep the languages apart."""
    for accepted, language in (("", "en"), ("fr", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en,zh;q=0.5", "en")):
        async with http.get(world.url, headers={"Accept-Language": accepted}) as answer:
            text = await answer.text()
        assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")
        assert f'<html lang="{language}">' in text
        assert (re.search("[\u4e00-\u9fff]", text) is not None) is (language == "zh-CN")
        assert '<meta name="viewport" content="width=device-width' in text


async def test_the_page_is_told_accounts_and_paths_and_no_secret(world: World, http: aiohttp.ClientSession) -> None:
    """It needs them to choose from."""
    async with http.get(world.url + "/sandbox/about") as answer:
        text = await answer.text()
    about = json.loads(text)
    assert {"name": "shop", "appid": "wxshop", "kind": "official_account"}.items() <= about["accounts"][0].items()
    assert "/cgi-bin/stable_token" in about["paths"]
    assert about["gateway"] is None
    async with http.get(world.url) as answer:
        assert "connect-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not [path for path in about["paths"] if path.startswith("/sandbox/")]
    assert not any(secret in text for secret in (SECRET, AES_KEY, TOKEN))


async def test_events_come_as_they_happen_and_continue(world: World) -> None:
    """A stream starts with `reset` and what happened before; one with `Last-Event-ID` continues without repeats."""
    await world.control.text("shop", "hi", openid=USER)
    async with Events.opened(world) as events:
        assert (await events.next())[0] == "reset"
        name, push = await events.next()
        assert (name, push["number"], push["message"]["Content"]) == ("push", 1, "hi")
        await world.client("shop").send(USER, reply.Text("hello"))
        kinds = {name: found async for name, found in _next(events, 3)}
        assert kinds["sent"]["payload"]["text"] == {"content": "hello"}
        assert kinds["call"]["path"] == SEND_PATH
    await world.control.text("shop", "again", openid=USER)
    async with Events.opened(world, events.last_id) as continued:
        name, push = await continued.next()
        assert (name, push["number"], push["message"]["Content"]) == ("push", 2, "again")
        await world.control.reset()
        assert (await continued.next())[0] == "reset"
    async with Events.opened(world, "other-7-7-7-7") as other:
        assert (await other.next())[0] == "reset", "the sandbox was started again"


async def test_failed_attempts_come_before_the_push_ends(world: World) -> None:
    """A `retry` for each attempt that another one follows, with all attempts so far; then the `push`."""
    world.ingress.answers.extend([answering("oops"), answering("", status=500)])
    await world.control.text("shop", "hi", openid=USER)
    async with Events.opened(world) as events:
        seen = [(name, len(found.get("attempts", ()))) async for name, found in _next(events, 4)]
    assert seen == [("reset", 0), ("retry", 1), ("retry", 2), ("push", 3)]


async def _next(events: Events, count: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    for _ in range(count):
        yield await events.next()


async def test_recorded_calls_have_no_secrets(world: World) -> None:
    """Secrets and tokens in queries, requests and answers are hidden; errcodes and failures are shown."""
    client = world.client("shop")
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, disconnect=True))
    with pytest.raises(WeChatUnavailable):
        await client.send(USER, reply.Text("hello"))
    await client.send(USER, reply.Text("hello"))
    calls = [call.shown() for call in world.sandbox.calls.find(lambda _call: True)]
    token, cut, sent = calls
    assert (token["path"], token["request"]["secret"]) == ("/cgi-bin/stable_token", "***")
    assert token["answer"] == {"access_token": "***", "expires_in": 7200}
    assert (cut["status"], cut["path"]) == (None, SEND_PATH)
    assert (sent["appid"], sent["status"], sent["answer"]["errcode"]) == ("wxshop", 200, 0)
    assert sent["query"] == {"access_token": "***"}
    assert sent["request"]["text"] == {"content": "hello"}
    issued = await world.tokens.get("wxshop")
    assert not any(secret in json.dumps(calls) for secret in (SECRET, issued))


async def test_faults_are_listed_and_ended(world: World, http: aiohttp.ClientSession) -> None:
    """`times` of a listed fault is the number of calls that it still affects."""
    url = world.url + "/sandbox/faults"
    await world.control.fault(Fault(path=SEND_PATH, status=500, times=3))
    world.sandbox.faults.take(SEND_PATH)
    async with http.get(url) as answer:
        (listed,) = await answer.json()
    assert (listed["path"], listed["status"], listed["times"]) == (SEND_PATH, 500, 2)
    async with http.delete(url) as answer:
        assert answer.status == 200
    assert world.sandbox.faults.pending() == []


async def test_a_user_sends_a_file(world: World, http: aiohttp.ClientSession) -> None:
    """The account can fetch it by its media id; a wrong type of file is an error that names it."""
    url = world.url + "/sandbox/media"
    async with http.post(url, params={"account": "shop", "filename": "a.png"}, data=b"png") as answer:
        media_id = (await answer.json())["media_id"]
    await world.control.send(SendRequest(account="shop", openid=USER, type="image", fields={"MediaId": media_id}))
    assert world.ingress.received[-1].opened.document["MediaId"] == media_id
    assert world.sandbox.media.get("wxshop", media_id).data == b"png"
    async with http.post(url, params={"account": "shop", "filename": "a.exe"}, data=b"MZ") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"] == "a.exe: image files end in .png, .jpg, .jpeg, .gif"
    async with http.post(url, params={"account": "shop", "filename": "a.amr", "type": "voice"}, data=b"") as answer:
        assert (await answer.json())["error"] == f"a.amr: voice files have 1 to {2 * 1024 * 1024} bytes"
    for size, status in ((10 * 1024 * 1024, 200), (21 * 1024 * 1024, 400)):
        async with http.post(url, params={"account": "shop", "filename": "a.png"}, data=BytesIO(bytes(size))) as answer:
            assert answer.status == status, "more than a body without files, as much as WeChat takes"


async def test_a_user_sees_the_menu_for_the_own_tags(world: World, http: aiohttp.ClientSession) -> None:
    """The newest conditional menu that fits comes before the default menu."""
    client = world.client("shop")
    await world.control.text("shop", "hi", openid=USER)
    await client.menus.create([ViewButton(name="all", url="u")])
    tag = await client.tags.create("vip")
    await client.menus.add_conditional([ViewButton(name="vip", url="u")], MatchRule(tag_id=str(tag.id)))
    await client.tags.add(tag.id, [USER])
    for openid, name in ((USER, "vip"), ("oOther", "all")):
        async with http.get(world.url + "/sandbox/menu", params={"account": "shop", "openid": openid}) as answer:
            assert [button["name"] for button in (await answer.json())["buttons"]] == [name]


async def test_other_web_sites_are_refused(world: World, http: aiohttp.ClientSession) -> None:
    """A page that a developer visits cannot use the control API; the sandbox's own page, and programs, can."""
    url = world.url + "/sandbox/reset"
    for origin, status in (("https://elsewhere.example", 403), ("null", 403), (world.url, 200)):
        async with http.post(url, headers={"Origin": origin}) as answer:
            assert answer.status == status, origin


def test_the_start_says_where_the_page_is_and_who_can_reach_it() -> None:
    """The default is this machine only; the start warns of any other address."""
    for address, warned in ((Address(), False), (Address(host="0.0.0.0", port=8), True)):  # noqa: S104
        with capture_logs() as logs:
            announce(address, ACCOUNTS)
        assert logs[0]["page"] == f"http://127.0.0.1:{address.port}/"
        assert ("sandbox.reachable_by_other_machines" in {entry["event"] for entry in logs}) is warned
    for host, expected in (("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.1", False), ("box", False)):  # noqa: S104
        assert Address(host=host).is_loopback is expected, host
