"""wechatpy's client and ours make the same calls."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from aiohttp import web
from aiohttp.typedefs import Handler
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient as WeChatPy
from wechatpy.exceptions import WeChatClientException

from tests.support.sandbox import World, a_world
from tests.support.wechatpy_methods import MINI, OFFICIAL, Pair
from wxbus.errors import WeChatError


class ToSandbox(HTTPAdapter):
    """Sends wechatpy's requests to the sandbox: some of its URLs are absolute."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request there."""
        assert request.url is not None
        request.url = request.url.replace("https://api.weixin.qq.com", self._url)
        return super().send(request, *args, **options)


async def calls_of(account: str, pairs: list[Pair], *, ours: bool) -> list[dict[str, Any]]:
    """Return the requests that a sandbox receives from one of the clients."""
    seen: list[dict[str, Any]] = []

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        query = {name: value for name, value in request.query.items() if name != "access_token"}
        is_form = request.content_type.startswith("multipart/")
        body = b"" if is_form else await request.read()
        if request.path != "/cgi-bin/stable_token":
            assert request.query.get("access_token")
            seen.append(
                {
                    "method": request.method,
                    "path": request.path,
                    "query": query,
                    "body": json.loads(body) if body else None,
                    "form": is_form,
                }
            )
        return await handler(request)

    async with a_world(middlewares=[record]) as world:
        for pair in pairs:
            if ours:
                with suppress(WeChatError):
                    await pair[1](world.client(account))
            else:
                await _theirs(world, account, pair[0])
    return seen


async def _theirs(world: World, account: str, call: Callable[[WeChatPy], object]) -> None:
    client = WeChatPy(f"wx{account}", "secret", access_token=await world.tokens.get(f"wx{account}"))
    client._http.mount("https://api.weixin.qq.com", ToSandbox(world.url))
    with suppress(WeChatClientException):
        await asyncio.to_thread(call, client)


async def test_both_clients_make_the_same_calls() -> None:
    """Method, path, query, JSON body and whether it is a form: as many methods as both have with the same meaning.

    Not compared are methods in which wechatpy follows older pages of WeChat: passwords of agents, groups in mass
    messages.
    """
    for account, pairs in (("shop", OFFICIAL), ("mini", MINI)):
        theirs = await calls_of(account, pairs, ours=False)
        found = await calls_of(account, pairs, ours=True)
        assert len(theirs) == len(found) == len(pairs)
        differing = [(their, our) for their, our in zip(theirs, found, strict=True) if our != their]
        assert not differing
