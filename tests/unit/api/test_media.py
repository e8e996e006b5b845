"""Media against the sandbox (protocol reference 9.2)."""

import pytest

from tests.support.sandbox import World
from wxbus.api.models import File, VideoLink
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.models import (
    Fault,
    SendRequest,
)

USER = "oUser0000000000000000000001"
DATA = bytes(range(256)) * 40


async def test_a_download_equals_its_upload(world: World) -> None:
    """Bytes, type and file name survive the round trip, with special characters in the name."""
    client = world.client("shop")

    media_id = await client.upload_media("image", '图 "1"\r\nX-Header: \\x.png', DATA)
    found = await client.download_media(media_id)

    assert isinstance(found, File)
    assert (found.data, found.content_type) == (DATA, "image/png")
    assert found.filename is not None
    assert found.filename.endswith(".png")


async def test_large_media(world: World) -> None:
    """The largest image of WeChat can be uploaded and downloaded."""
    client = world.client("shop")
    data = bytes(10 * 1024 * 1024)

    found = await client.download_media(await client.upload_media("image", "a.png", data))

    assert isinstance(found, File)
    assert found.data == data


async def test_uploaded_media_can_be_sent(world: World) -> None:
    """Replies accept the id of an upload."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")

    await client.send(USER, reply.Image(await client.upload_media("image", "a.png", DATA)))

    (sent,) = await world.control.sent(openid=USER)
    assert sent.msgtype == "image"


async def test_media_of_a_message_can_be_downloaded(world: World) -> None:
    """The MediaId of a push can be downloaded."""
    result = await world.control.send(SendRequest(account="shop", openid=USER, type="image"))

    found = await world.client("shop").download_media(result.message["MediaId"])

    assert isinstance(found, File)
    assert found.data.startswith(b"\x89PNG")


async def test_a_video_is_a_url(world: World) -> None:
    """WeChat returns JSON with a URL instead of a video's bytes."""
    client = world.client("shop")

    found = await client.download_media(await client.upload_media("video", "a.mp4", DATA))

    assert isinstance(found, VideoLink)
    assert found.url.startswith("http")


@pytest.mark.parametrize("content_type", ["image/jpeg", "text/plain", "application/json"])
async def test_an_error_may_have_any_content_type(world: World, content_type: str) -> None:
    """An error may have status 200 and the content type of an image; the body decides."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.fault(Fault(path="/cgi-bin/media/get", errcode=40007, content_type=content_type))

    with pytest.raises(WeChatError) as caught:
        await client.download_media(media_id)

    assert caught.value.errcode == 40007


async def test_a_file_that_looks_like_json_is_a_file(world: World) -> None:
    """JSON without errcode and video_url is a file."""
    client = world.client("shop")
    data = b'{"no": "error"}'

    found = await client.download_media(await client.upload_media("image", "a.gif", data))

    assert isinstance(found, File)
    assert found.data == data


async def test_an_expired_token_is_replaced_in_a_download(world: World) -> None:
    """Downloads have the same retry policies as other calls."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.advance(7200)

    assert isinstance(await client.download_media(media_id), File)
    assert len(world.tokens.reports) == 1


async def test_media_expire_after_three_days(world: World) -> None:
    """Media that are older than three days are refused with 40007."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", DATA)
    await world.control.advance(3 * 86400)

    with pytest.raises(WeChatError) as caught:
        await client.download_media(media_id)

    assert caught.value.errcode == 40007
