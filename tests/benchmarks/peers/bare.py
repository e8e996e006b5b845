"""The least an aiohttp server can do: answer a callback or a call, echo on a socket. Run it with a port."""

import sys

import uvloop
from aiohttp import web


async def success(request: web.Request) -> web.Response:
    """Read and answer."""
    await request.read()
    return web.Response(text="success")


async def token(request: web.Request) -> web.Response:
    """Read, and answer what the token service would, without looking at the request."""
    await request.read()
    return web.json_response({"access_token": "bench-token", "expires_in": 7200})


async def order(request: web.Request) -> web.Response:
    """Read the JSON, and answer what the gateway's service would, for anybody."""
    found = await request.json()
    return web.json_response({"text": f"{found['count']} {found['item']} for 1"})


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Parse each frame, and send one back."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for frame in ws:
        await ws.send_json(frame.json())
    return ws


def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/wechat/{account}", success)
    app.router.add_post("/rpc/token/get", token)
    app.router.add_post("/mini/orders/create", order)
    app.router.add_get("/mini/socket", echo)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
