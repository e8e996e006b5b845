"""The demo's conversation."""

import io

import pytest
from aiohttp import web
from rich.console import Console

from wxbus.errors import WxbusError
from wxbus.runtime.admin import listening
from wxbus_local.demo.player import play_demo


async def failed_send(request: web.Request) -> web.Response:
    """A push that ingress does not accept."""
    sent = await request.json()
    attempt = {"status": 503, "body": "later", "ms": 1.0, "outcome": "failed", "reason": "status 503"}
    result = {"msg_id": "1", "time": 0.0, "message": {}, "attempts": [attempt], "outcome": "failed"}
    return web.json_response({"account": sent["account"], "openid": sent["openid"], **result})


async def no_replies(_request: web.Request) -> web.Response:
    """No reply was sent."""
    return web.json_response([])


async def no_tokens(_request: web.Request) -> web.Response:
    """No token was fetched."""
    return web.json_response({})


async def no_page(request: web.Request) -> web.Response:
    """What a page of the Mini Program gets."""
    if request.path == "/sandbox/login":
        return web.json_response({"js_code": "code"})
    return web.json_response({"user_info": {}, "phone": {"code": "code"}})


async def test_missing_replies_fail_the_demo() -> None:
    """Each step prints its failed pushes, its missing replies, and a gateway that does not answer."""
    output = io.StringIO()
    app = web.Application()
    app.add_routes(
        [
            web.post("/sandbox/send", failed_send),
            web.get("/sandbox/sent", no_replies),
            web.get("/sandbox/tokens", no_tokens),
            web.post("/sandbox/login", no_page),
            web.post("/sandbox/user_data", no_page),
        ]
    )

    async with listening(app, host="127.0.0.1", port=0) as port:
        assert not await play_demo(
            Console(file=output, width=200), f"http://127.0.0.1:{port}", "http://127.0.0.1:1", fresh=False
        )

    assert "WeChat got 503 'later' instead of success" in output.getvalue()
    assert "expected replies: hello (1); got: none" in output.getvalue()
    assert (
        "expected: 12 yuan; got: http://127.0.0.1:1 does not answer as a gateway does: ClientConnectorError"
        in output.getvalue()
    )


async def test_a_sandbox_that_does_not_answer_is_an_error() -> None:
    """A wrong address is an error of wxbus, which the command prints in one line."""
    with pytest.raises(WxbusError, match="does not answer"):
        await play_demo(Console(file=io.StringIO()), "http://127.0.0.1:1", "http://127.0.0.1:1", fresh=False)
