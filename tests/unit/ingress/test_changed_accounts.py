"""Changes of the accounts while ingress runs; requests in progress keep their account."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tests.support.pushes import AES_KEY, Push, a_push
from tests.unit.ingress.conftest import Ingress, an_account
from wxbus.errors import ConfigurationError


@pytest.fixture
def push() -> Push:
    """A push to the account `new`, with the current time."""
    return a_push(receive_id="wxnew")


async def test_accounts_are_added_and_removed(ingress: Ingress, push: Push) -> None:
    """The accounts of the last change are served."""
    assert (await ingress.post(push, account="new"))[0] == 404

    ingress.change_accounts(an_account("new", appid="wxnew"))

    assert await ingress.post(push, account="new") == (200, "success")
    assert (await ingress.post(a_push(), account="any"))[0] == 404


async def test_a_key_is_changed_without_a_restart(ingress: Ingress) -> None:
    """The new token is valid and the old one invalid at once; as a previous key the old one stays valid."""
    old, new = a_push(receive_id="wxnew", token="old"), a_push(receive_id="wxnew", token="new")
    ingress.change_accounts(an_account("new", appid="wxnew", token="old"))
    assert (await ingress.post(new, account="new"))[0] == 403

    ingress.change_accounts(
        an_account("new", appid="wxnew", token="new", previous_keys=[{"token": "old", "aes_key": AES_KEY}])
    )

    assert [(await ingress.post(push, account="new"))[0] for push in (old, new)] == [200, 200]


async def test_a_request_in_progress_keeps_its_account(ingress: Ingress, push: Push) -> None:
    """A change while a body arrives does not affect the request."""
    half, begun, go_on = len(push.body) // 2, asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield push.body[:half]
        begun.set()
        await go_on.wait()
        yield push.body[half:]

    ingress.change_accounts(an_account("new", appid="wxnew"))
    url = f"{ingress.url}/wechat/new"
    answering = asyncio.ensure_future(ingress.http.post(url, params=push.query, data=body()))
    await begun.wait()
    assert (await ingress.post(push, account="new"))[0] == 200  # ingress has read the first half by then
    ingress.change_accounts(an_account("other"))
    go_on.set()

    async with await answering as answer:
        assert (answer.status, await answer.text()) == (200, "success")


async def test_no_request_is_dropped_under_load(ingress: Ingress, push: Push) -> None:
    """Callbacks are accepted however often the accounts change."""

    async def post_and_change() -> tuple[int, str]:
        answer = await ingress.post(push, account="new")
        ingress.change_accounts(an_account("new", appid="wxnew"), *(an_account(f"a{number}") for number in range(10)))
        return answer

    ingress.change_accounts(an_account("new", appid="wxnew"))
    answers = await asyncio.gather(*(post_and_change() for _ in range(200)))

    assert set(answers) == {(200, "success")}


async def test_invalid_accounts_change_nothing(ingress: Ingress) -> None:
    """A change with an invalid key is refused as a whole."""
    broken = an_account("new", appid="wxnew").model_copy(update={"aes_key": SecretStr("short")})

    with pytest.raises(ConfigurationError, match="account new"):
        ingress.change_accounts(broken)

    assert await ingress.post(a_push()) == (200, "success")
