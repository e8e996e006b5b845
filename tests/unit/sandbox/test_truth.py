"""The sandbox tells what WeChat tells: its limits and errcodes are those of the protocol reference."""

import re
from pathlib import Path
from typing import Any

from tests.support.readme import ROOT
from tests.support.sandbox import SECRET, World, a_world
from wxbus.errcodes import error_code
from wxbus.wechat import reply
from wxbus_sandbox.settings import MEBIBYTE, Rules

REFERENCE = (ROOT / "docs/reference/wechat-protocol.md").read_text("utf-8")
SOURCES = ROOT / "services/sandbox/src/wxbus_sandbox"
USER = "oUser0000000000000000000001"
MINUTE, HOUR, DAY = 60, 3600, 86400


def figures(section: str, pattern: str) -> list[int]:
    """Return the numbers that a pattern finds in a section of the reference, such as `4.1`."""
    heading = re.search(rf"^#+ {re.escape(section)}[ .].*$", REFERENCE, re.MULTILINE)
    assert heading, section
    text = re.split(r"^#+ \d", REFERENCE[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    found = re.search(pattern, text, re.DOTALL)
    assert found, (section, pattern)
    return [int(number.replace(" ", "")) for number in found.groups()]


def test_the_limits_are_those_of_the_reference() -> None:
    """Each default of `Rules` is the figure on the reference page: a change of one without the other fails here."""
    rules = Rules()
    for ours, section, pattern, unit in (
        ((rules.push_timeout, rules.push_attempts), "4.1", r"within \*\*(\d+) s\*\*.*?\*\*(\d+) attempts", (1, 1)),
        ((rules.push_spacing,), "4.1", r"about (\d+) s apart", (1,)),
        ((rules.token_lifetime,), "8.1", r'"expires_in":(\d+)', (1,)),
        ((rules.token_overlap,), "8.1", r"both work for (\d+) min", (MINUTE,)),
        ((rules.stable_renewal,), "8.1", r"renews it (\d+) min early", (MINUTE,)),
        (
            (rules.forced_per_day, rules.forced_interval),
            "8.1",
            r"max \*\*(\d+) per day\*\*, \*\*>= (\d+) s apart",
            (1, 1),
        ),
        ((rules.classic_per_day,), "8.1", r"(\d+) calls a day \(OA", (1,)),
        ((rules.stable_per_minute, rules.stable_per_day), "8.1", r"\| ([\d ]+) per minute, ([\d ]+) per day", (1, 1)),
        ((rules.ticket_lifetime,), "6.3", r"every 10 min, valid (\d+) h", (HOUR,)),
        (
            (rules.message_allowance, rules.message_window),
            "9.1",
            r"OA: user sends a message \| (\d+) .*?\| (\d+) h",
            (1, HOUR),
        ),
        ((rules.action_allowance, rules.action_window), "9.1", r"OA: menu click.*?\| (\d+) \| (\d+) min", (1, MINUTE)),
        ((rules.action_allowance, rules.action_window), "9.1", r"OA: follow \| (\d+) \| (\d+) min", (1, MINUTE)),
        ((rules.action_allowance, rules.action_window), "9.1", r"OA: QR scan \| (\d+) \| (\d+) min", (1, MINUTE)),
        (
            (rules.message_allowance, rules.message_window),
            "9.1",
            r"MP: user sends a message \| (\d+) \| (\d+) h",
            (1, HOUR),
        ),
        ((rules.enter_allowance, rules.action_window), "9.1", r"MP: user enters.*?\| (\d+) \| (\d+) min", (1, MINUTE)),
        ((rules.typing_window, rules.typing_lasts), "9.1", r"in the last (\d+) s \(45080\);\s+lasts (\d+) s", (1, 1)),
        ((rules.media_lifetime,), "9.2", r"Valid (\d+) days", (DAY,)),
        ((rules.image_bytes, rules.voice_bytes), "9.2", r"image (\d+) MB.*?voice (\d+) MB", (MEBIBYTE, MEBIBYTE)),
        ((rules.video_bytes, rules.thumb_bytes), "9.2", r"video (\d+) MB MP4; thumb (\d+) KB", (MEBIBYTE, 1024)),
        ((rules.js_code_lifetime,), "10", r"valid (\d+) min per wx\.login", (MINUTE,)),
        ((rules.logins_per_minute,), "10", r"45011 \((\d+) per minute and user", (1,)),
        ((rules.text_bytes,), "7", r"Length: (\d+) bytes", (1,)),
        ((rules.articles_for_message, rules.articles_for_event), "7", r"\*\*(\d+) article\*\*.*?up to (\d+)", (1, 1)),
    ):
        told = [figure * factor for figure, factor in zip(figures(section, pattern), unit, strict=True)]
        assert list(ours) == told, (section, pattern)


def test_every_errcode_is_one_of_wechats() -> None:
    """Each errcode in the sandbox's source has WeChat's meaning: none is made up."""
    found: dict[int, Path] = {}
    for source in SOURCES.rglob("*.py"):
        for code in re.findall(r"(?:ApiError\(|errcode=)(-1|\d{5})\b", source.read_text("utf-8")):
            found[int(code)] = source
    assert len(found) > 45
    unknown = {code: source.name for code, source in found.items() if error_code(code).meaning == "unknown"}
    assert not unknown


async def test_stable_tokens_have_a_limit_for_each_day() -> None:
    """45009 after the day's fetches of stable tokens (8.1); the limit of a minute is 45011."""
    async with a_world(Rules(stable_per_day=2, stable_per_minute=10)) as world:
        body = {"grant_type": "client_credential", "appid": "wxshop", "secret": SECRET}
        errcodes = [
            (await answer(world, "POST", "/cgi-bin/stable_token", json=body)).get("errcode", 0) for _ in range(3)
        ]
        assert errcodes == [0, 0, 45009]
        await world.control.advance(DAY)
        assert "access_token" in await answer(world, "POST", "/cgi-bin/stable_token", json=body)


async def test_logins_have_a_limit_for_each_minute() -> None:
    """45011 for a user who logs in too often in a minute (10); other users go on."""
    async with a_world(Rules(logins_per_minute=2)) as world:

        async def login(openid: str) -> int:
            code = await world.control.js_code("mini", openid=openid)
            query = {"appid": "wxmini", "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}
            return int((await answer(world, "GET", "/sns/jscode2session", params=query)).get("errcode", 0))

        assert [await login(USER) for _ in range(3)] == [0, 0, 45011]
        assert await login("oOther") == 0
        await world.control.advance(MINUTE)
        assert await login(USER) == 0


async def test_errors_have_status_200_and_their_texts(world: World) -> None:
    """WeChat answers with status 200 and an errmsg that ends in the id of the request (9)."""
    async with world.control._session.get(f"{world.url}/cgi-bin/token") as response:
        body = await response.json()
    assert (response.status, body["errcode"]) == (200, 40002)
    assert re.search(r" rid: [\w-]+$", body["errmsg"])
    await world.control.text("shop", "hi", openid=USER)
    assert (await world.control.sent(openid=USER)) == []
    await world.client("shop").send(USER, reply.Text("x"))
    assert len(await world.control.sent(openid=USER)) == 1


async def answer(world: World, method: str, path: str, **options: object) -> dict[str, Any]:
    """Return the JSON of a call."""
    async with world.control._session.request(method, world.url + path, **options) as response:  # type: ignore[arg-type]
        found: dict[str, Any] = await response.json(content_type=None)
    return found
