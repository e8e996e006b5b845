"""Media against the sandbox (protocol reference 9.2)."""

import pytest

from tests.support.sandbox import World
from wxbus.api.models import File, VideoLink
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.models import Fault, SendRequest

USER = "oUser0000000000000000000001"
DATA = bytes(range(256)) * 40


async def test_what_was_uploaded_comes_back_byte_for_byte(world: World) -> None:
    """Bytes, type and name survive the round trip, whatever the name's alphabet."""
    client = world.client("shop")

    media_id = await client.upload_media("image", '图 "1"\r\nX-Header: \\x.png', DATA)
    found = await client.download_media(media_id)

    assert isinstance(found, File)
    assert (found.data, found.content_type) == (DATA, "image/png")
    assert found.filename is not None
    assert found.filename.endswith(".png")


async def test_megabytes_go_up_and_down(world: World) -> None:
    """The largest picture that WeChat takes; nothing on the way has a smaller limit of its own."""
    client = world.client("shop")
    data = bytes(10 * 1024 * 1024)

    found = await client.download_media(await client.upload_media("image", "a.png", data))

    assert isinstance(found, File)
    assert found.data == data


async def test_uploaded_media_can_be_sent(world: World) -> None:
    """The id is what replies name media by."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")

    await client.send(USER, reply.Image(await client.upload_media("image", "a.png", DATA)))

    (sent,) = await world.control.sent(openid=USER)
    assert sent.msgtype == "image"


async def test_what_a_user_sent_can_be_fetched(world: World) -> None:
    """The MediaId of a push is good for a download."""
    result = await world.control.send(SendRequest(account="shop", openid=USER, type="image"))

    found = await world.client("shop").download_media(result.message["MediaId"])

    assert isinstance(found, File)
    assert found.data.startswith(b"\x89PNG")


async def test_a_video_comes_as_an_address(world: World) -> None:
    """WeChat answers with JSON in place of a video's bytes."""
    client = world.client("shop")

    found = await client.download_media(await client.upload_media("video", "a.mp4", DATA))

    assert isinstance(found, VideoLink)
    assert found.url.startswith("http")


@pytest.mark.parametrize("content_type", ["image/jpeg", "text/plain", "application/json"])
async def test_an_error_is_one_whatever_its_content_type(world: World, content_type: str) -> None:
    """Errors come with status 200 and may claim to be a picture: the body decides."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.fault(Fault(path="/cgi-bin/media/get", errcode=40007, content_type=content_type))

    with pytest.raises(WeChatError) as caught:
        await client.download_media(media_id)

    assert caught.value.errcode == 40007


async def test_a_file_that_looks_like_json_is_a_file(world: World) -> None:
    """Only an errcode or a video_url makes JSON an answer; other bytes are the user's."""
    client = world.client("shop")
    data = b'{"no": "error"}'

    found = await client.download_media(await client.upload_media("image", "a.gif", data))

    assert isinstance(found, File)
    assert found.data == data


async def test_a_token_that_expired_does_not_spoil_a_download(world: World) -> None:
    """The policies hold for files as for objects."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.advance(7200)

    assert isinstance(await client.download_media(media_id), File)
    assert len(world.tokens.reports) == 1


async def test_media_lapses_after_three_days(world: World) -> None:
    """40007 then, for the caller to upload it again."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.advance(3 * 86400)

    with pytest.raises(WeChatError) as caught:
        await client.download_media(media_id)

    assert caught.value.errcode == 40007
