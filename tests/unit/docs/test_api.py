"""docs/reference/api.md is what the declarations say; the samples of docs/how-to/api.md run against the sandbox."""

import json
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support import api_reference
from tests.support.readme import ROOT, samples_of
from tests.support.sandbox import a_world, event_of
from wxbus_worker import BadRequest, MassSendJobFinishEvent
from wxbus_worker.testing import HandlerClient, RecordingWeChat

ALICE, BOB = "oAlice00000000000000000000001", "oBob0000000000000000000000001"


@pytest.mark.parametrize("language", api_reference.PAGES)
def test_the_reference_is_up_to_date(language: str) -> None:
    """The page is what `make reference` writes now."""
    page = api_reference.PAGES[language]
    assert page.read_text(encoding="utf-8") == api_reference.render(language), "run `make reference`"


@pytest.fixture(params=["api.md", "api.zh-CN.md"])
def samples(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Return the Python blocks of the page as one module."""
    with samples_of(ROOT / "docs/how-to" / request.param) as module:
        yield module


async def test_the_samples_do_what_the_page_says(samples: types.ModuleType, tmp_path: Path) -> None:
    """Each function of the page, with the sandbox as WeChat; `tell_about` is in the integration tests."""
    await samples.test_the_code_is_a_picture()
    client = HandlerClient(samples.router)
    signed, card = [(await client.text(text)).texts[0] for text in ("https://a.example/", "card")]
    assert json.loads(signed).keys() == {"appId", "timestamp", "nonceStr", "signature"}
    assert json.loads(card).keys() == {"openid", "timestamp", "nonce_str", "signature"}
    async with a_world() as world:
        shop = world.client("shop")
        await samples.set_menu(shop)
        assert [button.name for button in (await shop.menus.configuration()).menu.buttons] == ["Offers", "Shop"]

        for openid in (ALICE, BOB):
            await world.control.text("shop", "hello", openid=openid)
        assert [openid async for openid in samples.followers(shop)] == [ALICE, BOB]

        path = tmp_path / "shop.mp4"
        path.write_bytes(b"video")
        assert (await shop.materials.count()).video_count == 0
        await samples.add_video(shop, path)
        assert (await shop.materials.count()).video_count == 1

        tag = await shop.tags.create("vip")
        assert await samples.tag(shop, tag.id, ALICE)
        assert not await samples.tag(shop, tag.id, "not-an-openid")
        with pytest.raises(BadRequest):
            await samples.tag(shop, 5, ALICE)

        assert await samples.shorten(shop, "https://shop.example/")

        msg_id = await samples.send_news(shop, "News", "<p>text</p>", "cover")
        event = await event_of(world, MassSendJobFinishEvent, "MASSSENDJOBFINISH")
        assert event.msg_id == msg_id
        await samples.news_sent(event)
        assert await samples.visits_of_last_week(world.client("mini")) > 0
        keys = SecretStr("app-key"), SecretStr("session-key")
        assert await samples.coins_of(world.client("mini"), ALICE, "127.0.0.1", *keys) > 0


async def test_the_declared_sample_is_an_endpoint(samples: types.ModuleType) -> None:
    """The declaration on the page sends and returns what the page says."""
    wechat = RecordingWeChat()
    wechat.answers["/cgi-bin/poem/create"] = {"poem": {"lines": ["a", "b"]}}
    assert (await samples.Poems(wechat).create("rain")).lines == ("a", "b")
    assert wechat.calls[0][2]["json"] == {"poem": {"topic": "rain"}}
    with pytest.raises(ValueError, match=r"Poems.create: topic"):
        await samples.Poems(wechat).create("x" * 21)
