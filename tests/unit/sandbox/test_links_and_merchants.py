"""What was created with the API of links, short keys, rules for QR codes and merchants can be read back."""

from datetime import UTC, datetime, timedelta

from tests.support.sandbox import NOW, World
from tests.unit.sandbox.test_users_and_menus import errcode_of
from wxbus.api.endpoints.mini_program_links import ExpireAfter, ExpireAt

DAY = 86400


async def test_short_keys(world: World) -> None:
    """A key gives its text until it expires."""
    keys = world.client("shop").short_keys
    key = await keys.create("https://example.com/很长", expires_in=60)
    found = await keys.fetch(key)
    assert (found.long_data, found.expire_seconds) == ("https://example.com/很长", 60)
    world.clock.advance(60)
    assert await errcode_of(keys.fetch(key)) == 40035


async def test_links_to_a_mini_program(world: World) -> None:
    """A scheme and a URL Link lead to a page until they expire, within 30 days."""
    links = world.client("mini").mini_program_links
    scheme = await links.create_scheme(ExpireAfter(days=1), path="pages/i", query="a=1", env_version="trial")
    found = await links.scheme_info(scheme)
    assert (found.appid, found.path, found.query, found.env_version) == ("wxmini", "pages/i", "a=1", "trial")
    assert found.expire_time == NOW + DAY
    moment = datetime.fromtimestamp(NOW, UTC) + timedelta(days=2)
    link = await links.create_url_link(ExpireAt(moment=moment))
    assert (await links.url_link_info(link)).expire_time == NOW + 2 * DAY
    late = datetime.fromtimestamp(NOW, UTC) + timedelta(days=31)
    assert await errcode_of(links.create_url_link(ExpireAt(moment=late))) == 85401
    world.clock.advance(DAY)
    assert await errcode_of(links.scheme_info(scheme)) == 85403
    assert "店" in await links.create_short_link("pages/i", title="店", permanent=True)


async def test_rules_for_qr_codes(world: World) -> None:
    """A rule is added once, changed, published and deleted."""
    rules = world.client("shop").qr_code_rules
    await rules.save("https://example.com/q", "pages/i", debug_urls=["https://example.com/q?a=1"])
    assert await errcode_of(rules.save("https://example.com/q", "pages/i")) == 85068
    await rules.save("https://example.com/q", "pages/j", change=True)
    await rules.publish("https://example.com/q")
    listed = await rules.rules()
    assert [(rule.path, rule.state) for rule in listed.rule_list] == [("pages/j", 2)]
    assert (listed.total, listed.publications_left, listed.enabled) == (1, 99, True)
    assert (await rules.find(["https://example.com/q", "https://other"])).total == 1
    await rules.delete("https://example.com/q")
    assert (await rules.rules()).total == 0
    assert await errcode_of(rules.publish("https://example.com/q")) == 85073


async def test_merchants(world: World) -> None:
    """A merchant has a unique account name; a corporation is bound once."""
    client = world.client("mini")
    merchants = client.merchants
    icon = await client.upload_media("image", "icon.png", b"png")
    business_id = await merchants.register("merchant", "Good shop", icon)
    assert await errcode_of(merchants.register("merchant", "Good shop", icon)) == 45070
    assert await errcode_of(merchants.register("merchant2", "Good shop", "unknown")) == 40007
    await merchants.update(business_id, nickname="Best shop")
    assert (await merchants.find(business_id)).nickname == "Best shop"
    assert (await merchants.find_by_name("merchant")).business_id == business_id
    assert await errcode_of(merchants.find("7")) == 45071
    assert [merchant.nickname for merchant in await merchants.page()] == ["Best shop"]
    await merchants.bind_work("ww1")
    assert await errcode_of(merchants.bind_work("ww1")) == 10130603
    await merchants.unbind_work("ww1")
    assert await errcode_of(merchants.unbind_work("ww1")) == 10130604
