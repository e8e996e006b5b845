"""Short keys for long texts, and the older short links."""

from typing import Annotated, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, MaxBytes, Refused, Timestamp, post

MONTH: Final = 30 * 86400


class LongData(Answer):
    """The text of a short key."""

    long_data: str
    create_time: Timestamp
    expire_seconds: int
    """Seconds until the key expires."""


class ShortKeys(Family):
    """Short keys that stand for a text, such as the long URL in a QR code."""

    title = "短 key"

    @post("/cgi-bin/shorten/gen", name="genShortKey", title="短key托管", repeat=Repeat.READ, errcodes=(40035,))
    async def create(
        self,
        text: Annotated[str, Field(min_length=1), MaxBytes(4096), Key("long_data")],
        *,
        expires_in: Annotated[int, Field(ge=1, le=MONTH), Key("expire_seconds")] = MONTH,
    ) -> Annotated[str, Key("short_key")]:
        """Return a new key for a text of up to 4 KB, valid for `expires_in` seconds. It is a key, not a URL."""

    @post("/cgi-bin/shorten/fetch", name="fetchShorten", title="短key还原", repeat=Repeat.READ, errcodes=(40035,))
    async def fetch(self, short_key: Annotated[str, Field(min_length=1, max_length=64)]) -> LongData:
        """Return the text of a key."""

    @post(
        "/cgi-bin/shorturl",
        title="长链接转成短链接",
        repeat=Repeat.READ,
        errcodes=(40048, 40066),
        fixed={"action": "long2short"},
    )
    async def shorten_url(
        self, url: Annotated[str, Field(min_length=1, max_length=2048), Key("long_url"), Refused(40048)]
    ) -> Annotated[str, Key("short_url")]:
        """Return a short URL. WeChat withdrew this in 2021, and may return an error or the URL itself."""
