"""WeChat's API and the token service, as cheap as can be: others are measured against it. Run it with a port."""

import asyncio
import sys

import uvloop
from aiohttp import web


def main(port: int) -> None:
    """Serve until killed; `GET /sent/{count}` answers as soon as so many messages were sent in all."""
    sent = 0
    waiting: dict[int, asyncio.Event] = {}

    async def send(request: web.Request) -> web.Response:
        nonlocal sent
        await request.read()
        sent += 1
        if event := waiting.get(sent):
            event.set()
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    async def stable_token(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"access_token": "bench-token", "expires_in": 7200})

    async def rpc(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"access_token": "bench-token", "expires_in": 7200})

    async def reached(request: web.Request) -> web.Response:
        count = int(request.match_info["count"])
        if sent < count:
            await waiting.setdefault(count, asyncio.Event()).wait()
        return web.json_response({"sent": sent})

    app = web.Application()
    app.router.add_post("/cgi-bin/message/custom/send", send)
    app.router.add_post("/cgi-bin/stable_token", stable_token)
    app.router.add_post("/rpc/token/get", rpc)
    app.router.add_get("/sent/{count}", reached)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
