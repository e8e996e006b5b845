"""WeChat's API and the token service as cheap as can be: they share the cores with what is measured.

Run it with a port. `GET /sent/{count}` answers as soon as so many messages were sent in all. `GET /arrivals` tells when
the texts arrived that look like "#7", by their number and the monotonic clock, and forgets them.
"""

import asyncio
import json
import sys
import time
from typing import Final

import httptools
import uvloop

OK: Final = b'{"errcode":0,"errmsg":"ok"}'
TOKEN: Final = b'{"access_token":"bench-token","expires_in":7200}'
SEND: Final = b"/cgi-bin/message/custom/send"
TOKENS: Final = (b"/cgi-bin/stable_token", b"/rpc/token/get")


class Sent:
    """The messages that were sent."""

    def __init__(self) -> None:
        self.count = 0
        self.waiting: dict[int, list[Connection]] = {}
        self.arrivals: dict[str, float] = {}

    def add(self, body: bytes, now: float) -> None:
        """Count a message."""
        self.count += 1
        _, found, rest = body.partition(b'"#')
        if found:
            self.arrivals[rest.partition(b'"')[0].decode()] = now
        for connection in self.waiting.pop(self.count, ()):
            connection.answer(b"{}")


class Connection(asyncio.Protocol):
    """One connection; requests come one after another."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Forget the last request."""
        self._body = b""

    def on_url(self, url: bytes) -> None:
        """Keep the path."""
        self._path = url.partition(b"?")[0]

    def on_body(self, part: bytes) -> None:
        """Keep the body."""
        self._body += part

    def on_message_complete(self) -> None:
        """Answer."""
        if self._path == SEND:
            self._sent.add(self._body, time.monotonic())
            self.answer(OK)
        elif self._path in TOKENS:
            self.answer(TOKEN)
        elif self._path == b"/arrivals":
            self.answer(json.dumps(self._sent.arrivals).encode())
            self._sent.arrivals.clear()
        elif (count := int(self._path.removeprefix(b"/sent/"))) <= self._sent.count:
            self.answer(b"{}")
        else:
            self._sent.waiting.setdefault(count, []).append(self)

    def answer(self, body: bytes) -> None:
        """Write an answer."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(body) + body)  # type: ignore[attr-defined]  # of TCP


async def main(port: int) -> None:
    """Serve until killed."""
    sent = Sent()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sent), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
