"""Replies with files and bytes."""

from pathlib import Path

from tests.support.worker import Rig, a_text_envelope
from wxbus_worker import ImageFile, Router, VideoFile, VoiceFile, reply
from wxbus_worker.delivery.settlement import Done, Retry


async def test_files_and_bytes_are_uploaded_before_sending(tmp_path: Path) -> None:
    """Each becomes a reply with its media id; the order of replies is kept."""
    picture = tmp_path / "menu.png"
    picture.write_bytes(b"png")
    router = Router()

    @router.text
    async def media() -> list[object]:
        return [
            reply.Text("a"),
            ImageFile(picture),
            ImageFile(str(picture)),
            VoiceFile(b"mp3"),
            VideoFile(b"mp4", thumb=b"jpg", title="t", filename="v.mp4"),
        ]

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), Done)
    assert rig.wechat.uploads == [
        ("image", "menu.png", b"png"),
        ("image", "menu.png", b"png"),
        ("voice", "voice.mp3", b"mp3"),
        ("video", "v.mp4", b"mp4"),
        ("thumb", "thumb.jpg", b"jpg"),
    ]
    assert [one for _, one in rig.wechat.sent] == [
        reply.Text("a"),
        reply.Image("media-1"),
        reply.Image("media-2"),
        reply.Voice("media-3"),
        reply.Video("media-4", "t", thumb_media_id="media-5"),
    ]


async def test_a_missing_file_is_the_handlers_error(tmp_path: Path) -> None:
    """Nothing is committed or sent, and the message is retried."""
    router = Router()

    @router.text
    async def media() -> ImageFile:
        return ImageFile(tmp_path / "missing.png")

    rig = Rig(router)
    settlement = await rig.handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert isinstance(settlement.error, FileNotFoundError)
    assert not rig.wechat.sent
