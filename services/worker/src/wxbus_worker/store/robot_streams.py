"""Texts of robots for which WeCom polls, and the code for one late answer (WeCom reference 8.4, 8.5)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from wxbus_worker.store.scripts import Scripts, load, to_ms

LIFETIME: Final = timedelta(hours=1)
"""How long WeCom accepts a late answer."""
LONGEST: Final = 330
"""Seconds after which a text is finished as it is: WeCom polls for six minutes, and would show it as unfinished."""


@dataclass(frozen=True, slots=True)
class StreamText:
    """The text so far."""

    text: str
    finished: bool


class RobotStreams:
    """Keeps the text of each stream in Redis: WeCom's next poll may reach another worker."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._begin, self._write = load("robot_begin"), load("robot_write")
        self._read, self._end, self._code = load("robot_read"), load("robot_end"), load("robot_code")

    async def begin(self, stream_id: str, *, response_code: str) -> bool:
        """Begin an answer; return True if an earlier attempt began it, and WeCom polls for its text."""
        ttl = to_ms(LIFETIME.total_seconds())
        return bool(await self._scripts.run(self._begin, keys=[self._key(stream_id)], args=[response_code, ttl]))

    async def write(self, stream_id: str, text: str, *, polled: bool = False, complete: bool = False) -> bool:
        """Write the text so far; return False if WeCom does not poll for it.

        Args:
            stream_id: Of the stream.
            text: The whole text. A text shorter than before is ignored, unless it is complete.
            polled: WeCom polls from now on.
            complete: The text is complete.
        """
        keys, marks = [self._key(stream_id)], (str(int(polled)), str(int(complete)))
        return bool(await self._scripts.run(self._write, keys=keys, args=[text, *marks, LONGEST]))

    async def read(self, stream_id: str) -> StreamText | None:
        """Return the text so far; None if there is no such stream."""
        found = await self._scripts.run(self._read, keys=[self._key(stream_id)], args=[LONGEST])
        return None if found is None else StreamText(found[0].decode(), bool(found[1]))

    async def is_fetched(self, stream_id: str) -> tuple[bool, int]:
        """Return whether WeCom has fetched a complete text, and how many seconds ago the text was completed."""
        fetched, seconds = await self._scripts.run(self._end, keys=[self._key(stream_id)])
        return bool(fetched), int(seconds)

    async def response_code(self, stream_id: str) -> str:
        """Return the code for a late answer, "" if there is none."""
        found: bytes | None = await self._scripts.run(self._code, keys=[self._key(stream_id)])
        return (found or b"").decode()

    def _key(self, stream_id: str) -> str:
        return f"{self._namespace}:robot:{stream_id}"
