"""Other accounts while ingress runs: requests go on, with the accounts that they began with."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tests.support.pushes import AES_KEY, Push, a_push
from tests.unit.ingress.conftest import Ingress, an_account
from wxbus.errors import ConfigurationError


@pytest.fixture
def push() -> Push:
    """A push to the account `new`, of now: an older one would be refused."""
    return a_push(receive_id="wxnew")


async def test_accounts_come_and_go(ingress: Ingress, push: Push) -> None:
    """What the file says now is what is served from now on."""
    assert (await ingress.post(push, account="new"))[0] == 404

    ingress.reread(an_account("new", appid="wxnew"))

    assert await ingress.post(push, account="new") == (200, "success")
    assert (await ingress.post(a_push(), account="any"))[0] == 404


async def test_a_key_is_changed_without_a_restart(ingress: Ingress) -> None:
    """The new token is right and the old one wrong, at once; kept as the previous key it stays right."""
    old, new = a_push(receive_id="wxnew", token="old"), a_push(receive_id="wxnew", token="new")
    ingress.reread(an_account("new", appid="wxnew", token="old"))
    assert (await ingress.post(new, account="new"))[0] == 403

    ingress.reread(an_account("new", appid="wxnew", token="new", previous_keys=[{"token": "old", "aes_key": AES_KEY}]))

    assert [(await ingress.post(push, account="new"))[0] for push in (old, new)] == [200, 200]


async def test_a_request_under_way_ends_with_the_account_it_began_with(ingress: Ingress, push: Push) -> None:
    """Nobody's callback is dropped because the file was read while its body came."""
    half, begun, go_on = len(push.body) // 2, asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield push.body[:half]
        begun.set()
        await go_on.wait()
        yield push.body[half:]

    ingress.reread(an_account("new", appid="wxnew"))
    url = f"{ingress.url}/wechat/new"
    answering = asyncio.ensure_future(ingress.http.post(url, params=push.query, data=body()))
    await begun.wait()
    assert (await ingress.post(push, account="new"))[0] == 200  # by then ingress has read the half, too
    ingress.reread(an_account("other"))
    go_on.set()

    async with await answering as answer:
        assert (answer.status, await answer.text()) == (200, "success")


async def test_no_request_is_dropped_under_load(ingress: Ingress, push: Push) -> None:
    """However often the file changes while callbacks come, each of them is taken."""

    async def post_and_change() -> tuple[int, str]:
        answer = await ingress.post(push, account="new")
        ingress.reread(an_account("new", appid="wxnew"), *(an_account(f"a{number}") for number in range(10)))
        return answer

    ingress.reread(an_account("new", appid="wxnew"))
    answers = await asyncio.gather(*(post_and_change() for _ in range(200)))

    assert set(answers) == {(200, "success")}


async def test_accounts_that_cannot_be_used_change_nothing(ingress: Ingress) -> None:
    """A key that ingress cannot use is refused whole."""
    broken = an_account("new", appid="wxnew").model_copy(update={"aes_key": SecretStr("short")})

    with pytest.raises(ConfigurationError, match="account new"):
        ingress.reread(broken)

    assert await ingress.post(a_push()) == (200, "success")
