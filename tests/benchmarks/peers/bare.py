"""The least an aiohttp server can do for a callback: read the body, answer "success". Run it with a port."""

import sys

import uvloop
from aiohttp import web


async def success(request: web.Request) -> web.Response:
    """Read and answer."""
    await request.read()
    return web.Response(text="success")


def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/wechat/{account}", success)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
