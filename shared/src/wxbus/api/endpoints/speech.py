"""Speech as text, and translations."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Key, MaxBytes, Query, Refused, post
from wxbus.api.uploads import UploadFile

VoiceId: TypeAlias = Annotated[
    str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", examples=["recording-1"]), Query("voice_id")
]
"""An id of yours for the recording."""
Language: TypeAlias = Literal["zh_CN", "en_US"]


class Translation(Answer):
    """A text in two languages."""

    from_content: str = ""
    to_content: str = ""


class Speech(Family):
    """Speech as text, and translations."""

    title = "语音识别与翻译"
    kinds = ("official_account", "mini_program")

    @post(
        "/cgi-bin/media/voice/addvoicetorecofortext",
        name="addVoiceTorecoForText",
        title="上传语音文件",
        repeat=Repeat.READ,
        errcodes=(40010, 45092),
    )
    async def upload_speech(
        self,
        voice_id: VoiceId,
        recording: Annotated[UploadFile, FileLimits(1024 * 1024, (".mp3",)), Key("media"), Refused(40010)],
        *,
        language: Annotated[Language, Query("lang")] = "zh_CN",
        audio_format: Annotated[Literal["mp3"], Query("format")] = "mp3",
    ) -> None:
        """Upload a recording, an MP3 with 16 kHz and one channel of up to 1 MB, to be read as text."""

    @post(
        "/cgi-bin/media/voice/queryrecoresultfortext",
        name="queryRecoResultForText",
        title="获取语音识别结果",
        repeat=Repeat.READ,
        errcodes=(45092,),
    )
    async def speech_text(
        self, voice_id: VoiceId, *, language: Annotated[Language, Query("lang")] = "zh_CN"
    ) -> Annotated[str, Key("result")]:
        """Return the text of a recording, in the 10 seconds after its upload."""

    @post(
        "/cgi-bin/media/voice/translatecontent",
        name="translateContent",
        title="微信翻译",
        repeat=Repeat.READ,
        errcodes=(40035,),
    )
    async def translate(
        self,
        content: Annotated[str, Field(min_length=1), MaxBytes(600)],
        *,
        source: Annotated[Language, Query("lfrom")] = "zh_CN",
        target: Annotated[Language, Query("lto")] = "en_US",
    ) -> Translation:
        """Return the translation of a text of up to 600 bytes."""
