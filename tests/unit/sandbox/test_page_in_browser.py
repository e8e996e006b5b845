"""The page in Chromium, with one browser and one sandbox for all tests."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import APIResponse, Browser, Locator, Page, Route, expect

from tests.support.browser import Window, needs_browser, open_browser
from tests.support.sandbox import Received, World, a_world, answering
from tests.support.sizes import soak
from tests.unit.sandbox.test_validator import passive, replying, with_fields
from wxbus.api.endpoints.menu_buttons import KeyButton, SubMenu, ViewButton
from wxbus.api.endpoints.template_messages import TemplateValue
from wxbus.wechat import reply
from wxbus_sandbox.models import SendRequest, Sent, Trouble
from wxbus_sandbox.page import pages
from wxbus_sandbox.settings import Rules

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]

USER = "oSandboxUser0000000000000001"
SEND_PATH = "/cgi-bin/message/custom/send"
MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"
TRANSFER = with_fields(MsgType="transfer_customer_service", Content=None)
PNG = b"\x89PNG"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Return the browser of all tests."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world() -> AsyncIterator[World]:
    """Return the sandbox of all tests."""
    async with a_world(Rules(push_spacing=0, enforce_windows=False)) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared_world: World) -> World:
    """Return the sandbox without what earlier tests left."""
    await shared_world.control.reset()
    shared_world.tokens.forget()
    shared_world.ingress.answers.clear()
    shared_world.ingress.received.clear()
    return shared_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(browser: Browser) -> AsyncIterator[Window]:
    """Return the window of all tests but one."""
    async with Window.open(browser) as window:
        yield window


@pytest_asyncio.fixture(loop_scope="module")
async def page(world: World, window: Window) -> AsyncIterator[Page]:
    """Return the page as a new reader sees it; it must log no error."""
    if window.page.url.startswith(world.url):
        await window.page.evaluate("sessionStorage.clear()")
    await window.page.goto(world.url)
    await expect(window.page.locator(".state")).to_have_text("connected")
    yield window.page
    assert window.errors == []


def documents(world: World) -> list[dict[str, Any]]:
    """Return what ingress received."""
    return [dict(received.opened.document) for received in world.ingress.received]


def button(page: Page | Locator, name: str) -> Locator:
    """Return the button of exactly this name."""
    return page.get_by_role("button", name=name, exact=True)


async def send(page: Page | Locator, text: str) -> None:
    """Send a text as the user."""
    await page.get_by_role("textbox", name="Message", exact=True).fill(text)
    await page.locator(".send:visible").click()


async def test_a_new_reader_sees_what_to_do(world: World, page: Page) -> None:
    """The empty phone says who one is and offers the first message, in both languages."""
    english, chinese = await page.evaluate(TEXTS, TEXT_FILES)
    assert english == chinese
    assert len(english) > 100
    await expect(page.get_by_text("You are a user of “shop”")).to_be_visible()
    await expect(page.get_by_text("Each callback that WeChat would make")).to_be_visible()
    await button(page, "Say hello").click()
    await expect(page.locator(".mine:not(.waiting) .bubble")).to_have_text("hello")
    assert [document["Content"] for document in documents(world)] == ["hello"]


async def test_users_send_every_kind_of_message(world: World, page: Page, tmp_path: Path) -> None:
    """Each button pushes a message or an event as WeChat does; files get media ids, and errors name the limit."""
    await button(page, "More to send").click()

    async def pushed(press: Callable[[], Awaitable[None]]) -> dict[str, Any]:
        count = len(world.ingress.received)
        await press()
        await expect(page.locator(".mine.waiting")).to_have_count(0)
        while len(world.ingress.received) == count:
            await page.wait_for_timeout(5)
        return documents(world)[-1]

    async def uploaded(name: str, filename: str) -> dict[str, Any]:
        path = tmp_path / filename
        path.write_bytes(PNG)

        async def press() -> None:
            async with page.expect_file_chooser() as chooser:
                await button(page, name).click()
            await (await chooser.value).set_files(path)

        return await pushed(press)

    async def asked(name: str, label: str, value: str) -> dict[str, Any]:
        async def press() -> None:
            await button(page, name).click()
            await page.get_by_role("textbox", name=label).fill(value)
            await page.get_by_role("textbox", name=label).press("Enter")

        return await pushed(press)

    picture = await uploaded("Picture…", "a.png")
    assert world.sandbox.media.get("wxshop", picture["MediaId"]).data == PNG
    voice = await uploaded("Voice…", "a.mp3")
    assert (voice["MsgType"], voice["Format"]) == ("voice", "mp3")
    assert world.sandbox.media.is_valid("wxshop", voice["MediaId"])
    assert (await uploaded("Video…", "a.mp4"))["MsgType"] == "video"
    file = await uploaded("File…", "a.pdf")
    assert (file["MsgType"], file["Title"], file["FileTotalLen"]) == ("file", "a.pdf", "4")
    assert (await asked("Scan…", "Scene of the QR code", "poster"))["EventKey"] == "poster"
    assert (await asked("Menu click…", "Key of the button", "help"))["Event"] == "CLICK"
    for name, kind in (
        ("Sample picture", "image"),
        ("Location", "location"),
        ("Link", "link"),
        ("Subscribe", "subscribe"),
        ("Unsubscribe", "unsubscribe"),
    ):
        document = await pushed(button(page, name).click)
        assert kind in {document["MsgType"], document.get("Event")}
    async with page.expect_file_chooser() as chooser:
        await button(page, "Voice…").click()
    await (await chooser.value).set_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b"RIFF"})
    await expect(page.locator(".note.problem")).to_have_text("a.wav: voice files end in .amr, .mp3")
    await page.get_by_label("Account").select_option("mini")
    assert (await pushed(button(page, "Page").click))["MsgType"] == "miniprogrampage"
    assert (await pushed(button(page, "Enter session").click))["Event"] == "user_enter_tempsession"
    await expect(button(page, "Subscribe")).to_be_hidden()


async def test_any_message_is_sent_by_a_form(world: World, page: Page) -> None:
    """Fields and help come from the model, required fields stop the form, and other events have names and values."""
    await button(page, "More to send").click()
    await button(page, "Anything…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("searchbox").fill("scancode_push")
    await expect(dialog.get_by_text("The scanned code.")).to_be_visible()
    await dialog.get_by_label("EventKey").fill("scan")
    await dialog.get_by_label("ScanResult").fill(MARKUP)
    await button(dialog, "Send").click()
    await expect(page.locator(".note", has_text="scancode_push scan")).to_be_visible()
    (document,) = documents(world)
    assert (document["EventKey"], document["ScanCodeInfo"]) == ("scan", {"ScanResult": MARKUP})
    await button(page, "Anything…").click()
    await dialog.get_by_role("searchbox").fill("location: ")
    await dialog.get_by_label("Location_X *").fill("39.9")
    await button(dialog, "Send").click()
    await expect(dialog, "Location_Y is required").to_be_visible()
    await dialog.get_by_label("Location_Y *").fill("116.4")
    await button(dialog, "Send").click()
    await expect(page.locator(".mine .card")).to_contain_text("39.9, 116.4")
    await button(page, "Anything…").click()
    await dialog.get_by_role("searchbox").fill("nothing has this name")
    await dialog.get_by_label("Event *").fill("brand_new")
    for _ in range(2):
        await button(dialog, "+ Fields").click()
    await button(dialog, "Remove").last.click()
    await dialog.get_by_label("Name").fill("Colour")
    await dialog.get_by_label("Value").fill("red")
    await button(dialog, "Send").click()
    await expect(page.locator(".note", has_text="brand_new")).to_be_visible()
    assert documents(world)[-1].items() >= {"Event": "brand_new", "Colour": "red"}.items()


async def test_a_form_is_sent_with_its_own_fields(page: Page) -> None:
    """Nothing can be sent before the fields are those of the chosen message."""
    answered = asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/sandbox/forms/location", hold)
    await button(page, "More to send").click()
    await button(page, "Anything…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".fields")).not_to_be_empty()
    await dialog.get_by_role("searchbox").fill("location: ")
    await expect(button(dialog, "Send")).to_be_disabled()
    answered.set()
    await expect(dialog.get_by_label("Location_X *")).to_be_visible()
    await expect(button(dialog, "Send")).to_be_enabled()
    await page.unroute_all()


async def test_replies_look_as_in_wechat(world: World, page: Page) -> None:
    """Texts with links, media, cards, articles, choices, notifications and typing; passive replies look the same."""
    client, bubbles = world.client("shop"), page.locator(".theirs .bubble")
    await world.control.advance(60)  # the clock of the page goes on, that of the sandbox does not
    await send(page, "hi")
    await expect(page.locator(".mine:not(.waiting)")).to_have_count(1)
    await client.typing(USER)
    await expect(page.get_by_text("typing…")).to_be_visible()
    text = f'{MARKUP} <a href="https://a.test/x">x</a> https://b.test. <a href="javascript:1">no</a>'
    await client.send(USER, reply.Text(text))
    await expect(page.get_by_text("typing…")).to_be_hidden()
    await expect(bubbles).to_have_text([f'{MARKUP} x https://b.test. <a href="javascript:1">no</a>'])
    links = await bubbles.locator("a").evaluate_all("links => links.map((link) => link.href)")
    assert links == ["https://a.test/x", "https://b.test/"]
    media = {kind: world.sandbox.media.add("wxshop", kind, name, PNG).media_id for kind, name in MEDIA.items()}
    for message in (
        reply.Image(media["image"]),
        reply.Voice(media["voice"]),
        reply.Video(media["video"], "A film", thumb_media_id=media["thumb"]),
        reply.Music(media["thumb"], "A song", url="https://m.test/"),
        reply.News((reply.Article("An article", "About it", "https://n.test/", "https://p.test/a.png"),)),
        reply.MiniProgramPage("A page", "pages/index", media["thumb"], appid="wxmini"),
        reply.Menu((reply.MenuItem("1", "Yes"), reply.MenuItem("2", "No")), head="Happy?", tail="Thanks"),
    ):
        await client.send(USER, message)
    await client.template_messages.send(USER, "tpl", {"thing1": TemplateValue(value="Ready")}, url="https://t.test/")
    for shown in ("A film", "A song", "An article", "picture at p.test", "A page", "Happy?", "thing1Ready"):
        await expect(page.locator(".theirs", has_text=shown).first).to_be_visible()
    await expect(bubbles).to_have_count(9)
    await button(page, "No").click()
    await expect(page.locator(".mine:not(.waiting) .bubble").last).to_have_text("No")
    assert documents(world)[-1]["bizmsgmenuid"] == "2"
    for answer, shown in (
        (reply.Text("At once"), "At once"),
        (reply.News((reply.Article("News", "of today"),)), "of today"),
        (reply.Music(media["thumb"], "Waltz"), "Waltz"),
        (reply.Video(media["video"], "Clip"), "Clip"),
    ):
        world.ingress.answers.append(replying(world, passive(answer)))
        await send(page, "now")
        await expect(page.locator(".theirs .bubble", has_text=shown)).to_be_visible()
    await page.get_by_label("Account").select_option("mini")
    world.ingress.answers.append(replying(world, passive(reply.Text("no")), account="mini"))
    await send(page, "now")
    await expect(page.get_by_text("WeChat shows no reply")).to_be_visible()


async def test_the_menu_is_the_one_of_the_user(world: World, page: Page) -> None:
    """Buttons, sub-buttons and their events appear when the account creates the menu."""
    scan = KeyButton(name="Scan", key="code", type="scancode_waitmsg")
    photo = KeyButton(name="Photo", key="photo", type="pic_weixin")
    web = ViewButton(name="Web", url="https://a.test/")
    place = KeyButton(name="Place", key="place", type="location_select")
    await world.client("shop").menus.create(
        [KeyButton(name="Songs", key="songs"), SubMenu(name="More", buttons=[scan, photo, web]), place]
    )
    await button(page, "Songs").click()
    await expect(page.locator(".note", has_text="CLICK songs")).to_be_visible()
    await button(page, "≡ More").click()
    await button(page, "Web").click()
    await expect(page.locator(".note", has_text="VIEW https://a.test/")).to_be_visible()
    await button(page, "≡ More").click()
    await button(page, "Scan").click()
    await page.get_by_role("textbox", name="Content of the code").press("Enter")
    await expect(page.locator(".note", has_text="scancode_waitmsg code")).to_be_visible()
    assert documents(world)[-1]["ScanCodeInfo"] == {"ScanType": "qrcode", "ScanResult": "sandbox"}
    await button(page, "Place").click()
    await expect(page.locator(".mine .card")).to_contain_text("Tiananmen")
    await expect(page.locator(".note", has_text="location_select place")).to_be_visible()
    (place_event,) = [document for document in documents(world) if document.get("Event") == "location_select"]
    assert place_event["SendLocationInfo"].items() >= {"Label": "Tiananmen"}.items()
    await button(page, "≡ More").click()
    async with page.expect_file_chooser() as chooser:
        await button(page, "Photo").click()
    await (await chooser.value).set_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    await expect(page.locator(".note", has_text="pic_weixin photo")).to_be_visible()
    await expect(page.locator(".mine:not(.waiting) .bubble")).to_have_count(2)
    assert documents(world)[-2]["SendPicsInfo"]["Count"] == "1"


async def test_users_chat_side_by_side(world: World, page: Page) -> None:
    """Each phone has its own conversation; a reload keeps the phones and the history."""
    await button(page, "+ Another user").click()
    phones = page.get_by_role("article", name="Phone")
    await expect(phones).to_have_count(2)
    await send(phones.nth(0), "from the first")
    await send(phones.nth(1), "from the second")
    for index, text in enumerate(("from the first", "from the second")):
        await expect(phones.nth(index).locator(".mine:not(.waiting) .bubble")).to_have_text([text])
    first, second = sorted(documents(world), key=lambda document: str(document["Content"]))  # they went at once
    assert first["FromUserName"] == USER != second["FromUserName"]
    await page.reload()
    await expect(phones.nth(1).locator(".mine .bubble")).to_have_text(["from the second"])
    await button(phones.nth(0), "Close this phone").click()
    await expect(phones).to_have_count(1)
    await expect(page.locator(".mine .bubble")).to_have_text(["from the second"])


async def test_a_human_answers_a_user(world: World, page: Page) -> None:
    """A transferred user waits, is accepted and answered; messages come to the human until the conversation ends."""
    world.ingress.answers.append(replying(world, TRANSFER))
    await send(page, "a human, please")
    await expect(page.get_by_text("Transferred to a human")).to_be_visible()
    await button(page, "Customer service (1)").click()
    await button(page, "Accept").click()
    await expect(page.locator(".note", has_text="kf_create_session")).to_be_visible()
    await page.get_by_label("Answer as the human").fill(f"Here I am {MARKUP}")
    await page.get_by_label("Answer as the human").press("Enter")
    await expect(page.locator(".phone .theirs .bubble")).to_have_text(f"human, kf1@shopHere I am {MARKUP}")
    pushed = len(world.ingress.received)
    await send(page, "thank you")
    await expect(page.locator(".desk .theirs")).to_have_text(["a human, please", "thank you"])
    await expect(page.get_by_text("the message was not pushed")).to_be_visible()
    assert len(world.ingress.received) == pushed
    await button(page, "Close the conversation").click()
    await expect(page.get_by_text("No user is waiting.")).to_be_visible()
    await page.get_by_role("button", name="Take over User 1").click()
    await expect(page.locator(".desk")).to_be_visible()
    await button(page, "Close the conversation").click()
    await expect(page.locator(".desk")).to_be_hidden()
    await send(page, "back to the handlers")
    await expect(page.locator(".mine:not(.waiting)", has_text="back to the handlers")).to_be_visible()
    assert documents(world)[-1]["Content"] == "back to the handlers"


async def test_failures_are_told_in_words(world: World, page: Page) -> None:
    """Each attempt that failed says what is wrong, and the last one shows WeChat's notice."""
    world.ingress.answers.extend([answering("", status=403), answering("oops"), answering("", status=503)])
    await send(page, "unlucky")
    await expect(page.locator(".delivery")).to_contain_text("Not delivered. Ingress could not store the message (503)")
    await expect(page.get_by_text("该公众号提供的服务出现故障，请稍后再试")).to_be_visible()
    await world.control.advance(1)
    world.ingress.answers.extend([answering("", status=403)] * 3)
    await send(page, "unsigned")
    await expect(page.locator(".delivery").last).to_contain_text("same Token, AES key and clock?")
    await page.locator(".line.failed").first.click()
    await expect(page.locator(".document > .problem")).to_contain_text("(403)")
    world.ingress.answers.extend([cut] * 3)
    await send(page, "alone")
    await expect(page.locator(".delivery").last).to_contain_text("Ingress does not answer at its address")
    late = (
        'import("/sandbox/page/common/failures.js").then(({ inWords }) => inWords(null, "no complete response in 5 s"))'
    )
    assert await page.evaluate(late) == "Ingress answered too late: WeChat waits 5 s."


async def cut(received: Received) -> web.StreamResponse:
    """Cut the connection, as a stopped ingress does."""
    assert received.request.transport is not None
    received.request.transport.abort()
    return web.Response()


async def test_a_fault_is_injected_and_the_call_repeated(world: World, page: Page) -> None:
    """WeChat refuses a token once: the list shows that call and the one that worked, and the user gets one reply."""
    await button(page, "Bad day").click()
    await page.get_by_label("How").select_option("token")
    await button(page, "Inject").click()
    await expect(page.get_by_text(f"{SEND_PATH}: 1 more")).to_be_visible()
    await world.client("shop").send(USER, reply.Text("at last"))
    await expect(page.locator(".theirs .bubble")).to_have_text(["at last"])
    await button(page, "Requests").click()
    outcomes = page.locator(".line", has_text=SEND_PATH).locator(".outcome")
    await expect(outcomes).to_have_text(["40001", "ok"])
    await page.get_by_label("All outcomes").select_option("40001")
    await expect(page.locator(".line")).to_have_count(1)
    await button(page, "Bad day").click()
    await button(page, "Check the callback address as WeChat's console does").click()
    await expect(page.get_by_text("shop: WeChat's console would accept this address.")).to_be_visible()


async def test_troubles_come_at_random(world: World, page: Page) -> None:
    """The switches begin and end a bad day with its share and seed, and show how often each trouble has come."""
    await page.click("[data-tab=bad-day]")
    group = page.locator("#troubles")
    await group.get_by_label("Every callback three times").check()
    await group.get_by_label("Share in %").fill("100")
    await group.get_by_label("Seed").fill("7")
    await group.get_by_role("button", name="Begin").click()
    await expect(group.locator("output")).to_be_empty()
    while not (state := await world.control.bad_day()).troubles:  # noqa: ASYNC110 - the page's request
        await asyncio.sleep(0.01)
    assert (state.seed, state.troubles) == (7, {Trouble.REPEATS: 1})
    assert len((await world.control.text("shop", "hi", openid=USER)).attempts) == 3
    await group.get_by_role("button", name="End").click()
    await expect(group.get_by_label("Every callback three times (1×)")).not_to_be_checked()
    while (await world.control.bad_day()).troubles:  # noqa: ASYNC110 - the page's request
        await asyncio.sleep(0.01)


async def test_a_late_answer_does_not_replace_a_newer_one(world: World, page: Page) -> None:
    """Menu and faults are those of the last request; the switches of a bad day wait for the state that sets them."""
    held: dict[str, tuple[Route, APIResponse]] = {}

    async def hold(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path in held:
            await route.continue_()
        else:
            held[path] = route, await route.fetch()

    for path in ("menu?*", "faults", "bad_day"):
        await page.route(f"**/sandbox/{path}", hold)
    await page.reload()
    while len(held) < 3:
        await page.wait_for_timeout(5)
    await world.client("shop").menus.create([KeyButton(name="Songs", key="songs")])
    await expect(button(page, "Songs")).to_be_visible()
    await button(page, "Bad day").click()
    await button(page, "Inject").click()
    await expect(page.get_by_text(f"{SEND_PATH}: 1 more")).to_be_visible()
    repeats = page.locator("#troubles").get_by_label("Every callback three times")
    await expect(repeats).to_be_disabled()
    for path in ("menu", "faults", "bad_day"):
        route, response = held[f"/sandbox/{path}"]
        await route.fulfill(response=response)
    await page.unroute_all()
    await expect(repeats).to_be_enabled()
    await expect(page.get_by_text(f"{SEND_PATH}: 1 more")).to_be_visible()
    await expect(button(page, "Songs")).to_be_visible()


async def test_the_list_filters_replays_and_copies(world: World, page: Page) -> None:
    """Filters by text, kind, user and endpoint; a callback is sent again; a copied command does the same."""
    await send(page, "it's one")
    await expect(page.locator(".mine:not(.waiting)")).to_have_count(1)
    await world.control.text("shop", "two", openid="oSomeoneElse00000000000000001")
    await world.client("shop").send(USER, reply.Text("hello"))
    lines = page.locator(".line")
    await expect(lines.filter(has_text=SEND_PATH)).to_have_count(1)
    await page.get_by_label("All kinds").select_option("callback")
    await expect(lines).to_have_count(2)
    await page.get_by_label("All users").select_option("oSomeoneElse00000000000000001")
    await expect(lines).to_have_count(1)
    await expect(lines).to_contain_text("two")
    await page.get_by_label("All users").select_option("")
    await page.get_by_label("Search").fill("it's ONE")
    await expect(lines).to_have_count(1)
    await lines.click()
    await button(page, "Send again (a duplicate)").click()
    await expect(page.get_by_text("Sent.", exact=True)).to_be_visible()
    await button(page, "Send as a new message").click()
    await expect(lines).to_have_count(3)
    first, _, again, anew = documents(world)
    assert again == first
    assert (anew["Content"], anew["MsgId"] == first["MsgId"]) == ("it's one", False)
    await button(page, "Copy as curl").click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    await run_curl(await page.evaluate("navigator.clipboard.readText()"))
    assert documents(world)[-1] == first
    await page.get_by_label("Search").fill("")
    await page.get_by_label("All kinds").select_option("call")
    await page.get_by_label("All endpoints").select_option(SEND_PATH)
    await expect(lines).to_have_count(1)
    await lines.click()
    await button(page, "Copy as curl").click()
    await expect(page.get_by_text("Set ACCESS_TOKEN")).to_be_visible()
    command = await page.evaluate("navigator.clipboard.readText()")
    token = await world.tokens.get("wxshop")
    assert token not in command
    await run_curl(command.replace("'\"$ACCESS_TOKEN\"'", token))
    assert [sent.content for sent in await world.control.sent(openid=USER)] == ["hello", "hello"]


async def run_curl(command: str) -> None:
    """Make the request of a curl command."""
    _curl, _silent, _x, method, url, _h, header, _data, body = shlex.split(command.replace("\\\n", ""))
    assert header == "Content-Type: application/json"
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body.encode()) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_conversation_is_saved_and_played(world: World, page: Page, tmp_path: Path) -> None:
    """The saved file plays without differences, and names the turn that differs after a change."""
    world.ingress.answers.append(replying(world, passive(reply.Text("pong"))))
    await send(page, "ping")
    await expect(page.locator(".theirs .bubble")).to_have_text(["pong"])
    async with page.expect_download() as download:
        await button(page, "Save the conversation").click()
    saved = tmp_path / "shop.toml"
    await (await download.value).save_as(saved)
    for expected, result in (("pong", "All replies as expected."), ("other", "With other replies: 1.")):
        saved.write_text(saved.read_text().replace("pong", expected))
        world.ingress.answers.append(replying(world, passive(reply.Text("pong"))))
        async with page.expect_file_chooser() as chooser:
            await button(page, "Play a file…").click()
        await (await chooser.value).set_files(saved)
        await expect(page.locator(".journal > .row .result")).to_contain_text(result)
    await expect(page.locator(".turns")).to_contain_text('expected "other", received "pong"')


async def test_markup_is_text_everywhere(world: World, page: Page) -> None:
    """What users, accounts, humans and other programs write is never interpreted, whatever field it is in."""
    kinds = {"location": "Label", "link": "Title", "file": "Title", "miniprogrampage": "Title"}
    for kind, name in kinds.items():
        fields = {name: MARKUP, "MsgType": kind, "Description": MARKUP, "PagePath": MARKUP, "Url": MARKUP}
        await world.control.send(SendRequest(account="shop", openid=USER, type=kind, fields=fields))
    await world.control.send(SendRequest(account="shop", openid=USER, type=MARKUP, fields={"MsgType": MARKUP}))
    await world.control.event("shop", MARKUP, openid=USER, fields={"EventKey": MARKUP})
    await world.control.text("shop", MARKUP, openid=f"o{MARKUP}"[:28])
    every: dict[str, Any] = dict.fromkeys(
        ("content", "media_id", "title", "description", "url", "card_id", "pagepath"), MARKUP
    )
    every |= {"head_content": MARKUP, "tail_content": MARKUP, "list": [{"id": MARKUP, "content": MARKUP}]}
    every |= {"articles": [dict.fromkeys(("title", "description", "url", "picurl"), MARKUP)], "thumb_media_id": MARKUP}
    shown = (
        "text",
        "image",
        "voice",
        "video",
        "music",
        "news",
        "link",
        "wxcard",
        "mpnews",
        "miniprogrampage",
        "msgmenu",
    )
    for kind in (*shown, "unknown", MARKUP):
        received(world, kind, {kind: every})
    received(world, "template", {"template_id": MARKUP, "data": {MARKUP: {"value": MARKUP}}, "page": MARKUP})
    received(world, "msgmenu", {"msgmenu": {"list": 1}})
    async with aiohttp.ClientSession() as http:
        for body in (b"null", b'"\\ud800"', b"\xff", json.dumps({"touser": MARKUP}).encode()):
            async with http.post(world.url + SEND_PATH, data=body, params={MARKUP: MARKUP}):
                pass
    await world.client("shop").menus.create([KeyButton(name="<b>bold</b>", key=MARKUP)])
    await expect(page.locator(".menu-bar")).to_have_text("<b>bold</b>")
    await expect(page.locator(".note.problem")).to_contain_text("cannot be shown")
    for line in await page.locator(".line").all():
        await line.click()
        await expect(page.locator(".document h2")).to_be_visible()
    assert await page.locator('#app b, #app script, #app [onerror], img[src="x"]').count() == 0
    assert (await page.locator(".bubble").all_text_contents()).count(MARKUP) >= 2


def received(world: World, kind: str, payload: dict[str, Any]) -> None:
    """Let the user have received a message that no check of WeChat's has seen."""
    now = world.clock.now()
    world.sandbox.sent.add(Sent(time=now, account="shop", appid="wxshop", openid=USER, msgtype=kind, payload=payload))


async def test_the_keyboard_is_enough(world: World, page: Page) -> None:
    """Tab reaches the list as one stop, in which arrows move; Enter sends; Escape closes what is open."""
    await page.get_by_role("textbox", name="Message", exact=True).focus()
    await page.keyboard.type("typed")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine:not(.waiting) .bubble")).to_have_text(["typed"])
    await world.control.advance(1)
    await world.control.text("shop", "another", openid=USER)
    await expect(page.locator(".line")).to_have_count(2)
    assert await page.locator('.line[tabindex="0"]').count() == 1
    await page.locator('.line[tabindex="0"]').focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.locator(".document h2")).to_have_text("text typed")
    await button(page, "More to send").focus()
    await page.keyboard.press("Enter")
    await button(page, "Anything…").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(button(page, "Anything…")).to_be_focused()


async def test_all_views_fit_and_are_accessible(world: World, browser: Browser) -> None:
    """At two widths, light and dark, in both languages: nothing is cut off, axe-core finds nothing serious."""
    await fill(world)
    for name, look in LOOKS.items():
        async with Window.open(browser, **look) as window:
            await window.page.goto(world.url)
            await expect(window.page.locator(".theirs .bubble").first).to_be_visible()
            for tab in await window.page.locator("nav button:visible").all():
                await tab.click()
                view = await tab.get_attribute("data-tab")
                assert (await window.widths())[0] == (await window.widths())[1], (name, view)
                await window.screenshot(f"sandbox-{name}-{view}")
                assert await window.accessibility_problems() == [], (name, view)
            assert window.errors == [], name


LOOKS: dict[str, dict[str, Any]] = soak(
    full={
        "wide": {"width": 1280},
        "wide-dark": {"width": 1280, "dark": True, "language": "zh-CN"},
        "phone": {"width": 400, "language": "zh-CN"},
        "phone-dark": {"width": 400, "dark": True},
    },
    quick={"wide": {"width": 1280}, "phone-dark": {"width": 400, "dark": True, "language": "zh-CN"}},
)


async def fill(world: World) -> None:
    """Let there be something of everything to see."""
    client = world.client("shop")
    await world.control.text("shop", "hello", openid=USER)
    await client.menus.create(
        [KeyButton(name="Songs", key="s"), SubMenu(name="More", buttons=[ViewButton(name="Web", url="u")])]
    )
    await client.send(USER, reply.News((reply.Article("An article", "About it", "https://n.test/"),)))
    await client.send(USER, reply.Menu((reply.MenuItem("1", "Yes"), reply.MenuItem("2", "No")), head="Happy?"))
    world.ingress.answers.append(replying(world, TRANSFER))
    await world.control.text("shop", "a human, please", openid=USER)
    world.ingress.answers.extend([answering("", status=403)] * 3)
    await world.control.text("shop", "unlucky", openid=USER)


TEXT_FILES = [path.relative_to(pages.FILES).as_posix() for path in pages.FILES.rglob("texts.js")]
TEXTS = """
async (paths) => {
  const modules = await Promise.all(paths.map((path) => import(`/sandbox/page/${path}`)));
  const shape = (texts) => Object.entries(texts).flatMap(([name, text]) =>
    typeof text === "object" ? shape(text).map((inner) => `${name}.${inner}`) : `${name}: ${typeof text}`);
  return [shape(modules.map(({ TEXTS }) => TEXTS.en)), shape(modules.map(({ TEXTS }) => TEXTS.zh))];
}
"""
MEDIA = {"image": "a.png", "voice": "a.mp3", "video": "a.mp4", "thumb": "a.jpg"}
