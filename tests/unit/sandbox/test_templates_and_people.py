"""What was created with the API of templates, customer service and material can be read back."""

import pytest

from tests.support.sandbox import World
from tests.unit.sandbox.test_users_and_menus import ALICE, BOB, errcode_of
from wxbus.api.endpoints.materials import VideoDescription, VideoMaterial
from wxbus.api.endpoints.subscribe_messages import Value
from wxbus.api.endpoints.template_messages import MiniProgramPage, TemplateValue
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile


async def test_templates_of_official_accounts(world: World) -> None:
    """A template is added, sent and deleted; then it cannot be sent. The user's messages have the texts."""
    messages = world.client("shop").template_messages
    template_id = await messages.add_template("TM00015", ["first", "amount"])
    assert [(one.template_id, "amount.DATA" in one.content) for one in await messages.templates()] == [
        (template_id, True)
    ]
    page = MiniProgramPage(appid="wxmini", page="pages/order")
    data = {"amount": TemplateValue(value="9 元", color="#173177")}
    message_id = await messages.send(ALICE, template_id, data, mini_program=page)
    assert message_id.isdigit()
    [sent] = await world.control.sent(openid=ALICE)
    assert sent.msgtype == "template"
    assert sent.payload["data"] == {"amount": {"value": "9 元", "color": "#173177"}}
    assert sent.payload["miniprogram"] == {"appid": "wxmini", "pagepath": "pages/order"}
    await messages.delete_template(template_id)
    assert await errcode_of(messages.delete_template(template_id)) == 40037
    assert await errcode_of(messages.send(ALICE, template_id, data)) == 40037


async def test_templates_of_mini_programs(world: World) -> None:
    """As for Official Accounts; each kind of account has its own call to send."""
    messages = world.client("mini").subscribe_messages
    template_id = await messages.add_template("99", [1, 2], "order")
    assert [one.template_id for one in await messages.templates()] == [template_id]
    await messages.send(ALICE, template_id, {"thing1": Value(value="book")}, page="pages/order?id=1")
    [sent] = await world.control.sent(openid=ALICE)
    assert (sent.msgtype, sent.payload["data"]) == ("subscribe", {"thing1": {"value": "book"}})
    await messages.delete_template(template_id)
    assert await errcode_of(messages.delete_template(template_id)) == 200014
    assert await errcode_of(messages.send_notice(ALICE, template_id, {})) == 48001


async def test_people_and_conversations(world: World) -> None:
    """An account needs a person before it can serve; a user is served by one account at a time."""
    client = world.client("shop")
    people, sessions = client.customer_service_accounts, client.customer_service_sessions
    for name in ("ann@gh_1", "ben@gh_1"):
        await people.add(name, "Nick")
    assert await errcode_of(people.add("ann@gh_1", "Nick")) == 65406
    assert await errcode_of(sessions.create("ann@gh_1", ALICE)) == 65402
    for name in ("ann@gh_1", "ben@gh_1"):
        await people.invite(name, f"wx_{name[:3]}")
    await people.rename("ann@gh_1", "Ann")
    assert [person.kf_nick for person in await people.all()] == ["Ann", "Nick"]
    await sessions.create("ann@gh_1", ALICE)
    assert await errcode_of(sessions.create("ben@gh_1", ALICE)) == 65414
    assert (await sessions.of_user(ALICE)).kf_account == "ann@gh_1"
    assert (await sessions.of_user(BOB)).kf_account == ""
    assert [one.openid for one in await sessions.of_account("ann@gh_1")] == [ALICE]
    assert [(one.kf_account, one.accepted_case) for one in await people.online()] == [("ann@gh_1", 1), ("ben@gh_1", 0)]
    await sessions.close("ann@gh_1", ALICE)
    assert await errcode_of(sessions.close("ann@gh_1", ALICE)) == 65413
    await client.call("GET", "/customservice/kfaccount/del", params={"kf_account": "ben@gh_1"})  # older programs
    assert await errcode_of(people.delete("ben@gh_1")) == 65401
    await people.add("ann@gh_1", "Merchant Ann", business_id="1")
    assert [one.kf_nick for one in await people.all(business_id="1")] == ["Merchant Ann"]
    await people.delete("ann@gh_1", business_id="1")
    assert await errcode_of(people.delete("ann@gh_1", business_id="1")) == 65401


async def test_permanent_material(world: World) -> None:
    """Files come back as they were added; a video as its address."""
    materials = world.client("shop").materials
    image = await materials.add_image(UploadFile("图.PNG", b"\x89PNG picture"))
    video = await materials.add_video(
        UploadFile("v.mp4", b"video"), VideoDescription(title="标题", introduction="about")
    )
    assert image.url.startswith("https://")
    found = await materials.find(image.media_id)
    assert isinstance(found, File)
    assert (found.data, found.content_type) == (b"\x89PNG picture", "image/png")
    shown = await materials.find(video.media_id)
    assert isinstance(shown, VideoMaterial)
    assert (shown.title, shown.description) == ("标题", "about")
    count = await materials.count()
    assert (count.image_count, count.video_count) == (1, 1)
    assert [item.name for item in (await materials.page("image")).items] == ["图.PNG"]
    await materials.delete(image.media_id)
    assert await errcode_of(materials.find(image.media_id)) == 40007
    with pytest.raises(ValueError, match=r"image: must be a file of type"):
        await materials.add_image(UploadFile("a.exe", b"x"))
