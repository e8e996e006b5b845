"""The least an aiohttp server can do: read the body, answer a callback or a call for a token. Run it with a port."""

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


def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/wechat/{account}", success)
    app.router.add_post("/rpc/token/get", token)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
