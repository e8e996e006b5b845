"""Calls of many callers, with tokens of a real token service, to the sandbox."""

import asyncio

import pytest

from tests.support.token_service import SHOP, WECHAT_TIMEOUT, Place, service
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.calls import Repeat
from wxbus.tokens import TokenClient

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

PATH = "/cgi-bin/getcallbackip"
CALLS = 200


@pytest.mark.parametrize(("stuck", "forced"), [(False, 0), (True, 1)])
async def test_a_token_dies_in_the_middle_of_200_concurrent_calls(place: Place, stuck: bool, forced: int) -> None:
    """All calls succeed, also those that were under way with the old token, and there is one refresh.

    It is forced only if WeChat returns the same token in normal mode.
    """
    done, half = 0, asyncio.Event()

    async def call(client: WeChatClient, number: int) -> None:
        nonlocal done
        if number % 3 == 0:
            await half.wait()
        repeat = list(Repeat)[number % len(Repeat)]
        answer = await client.call("GET", PATH, repeat=repeat)
        assert answer["ip_list"]
        done += 1
        if done == CALLS // 2:
            await place.sandbox.invalidate_tokens(SHOP, stuck=stuck)
            half.set()

    async with (
        service(place.settings) as url,
        TokenClient.open(url, place.key) as one,
        TokenClient.open(url, place.key) as two,
        WeChatHttp.open(place.sandbox.url, WECHAT_TIMEOUT) as http,
    ):
        clients = [WeChatClient(SHOP, http, tokens) for tokens in (one, two)]
        async with asyncio.TaskGroup() as group:
            for number in range(CALLS):
                group.create_task(call(clients[number % 2], number))

    counts = (await place.sandbox.token_counts())[SHOP]
    assert done == CALLS
    assert (counts.stable, counts.forced) == (2 + forced, forced)
