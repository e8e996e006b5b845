"""Exchanges of login codes against the sandbox."""

import pytest

from tests.support.sandbox import ACCOUNTS, World
from wxbus.api.login import exchange_code
from wxbus.errors import LoginRequired, ServerBusy
from wxbus_sandbox.models import Fault

USER = "oUser0000000000000000000001"


async def test_a_login_code_is_valid_once(world: World) -> None:
    """A login code is valid once; a used or unknown one is LoginRequired."""
    secret = ACCOUNTS.named("mini").secret
    assert secret is not None
    code = await world.control.js_code("mini", openid=USER)

    login = await exchange_code(world.http, "wxmini", code, secret)
    with pytest.raises(LoginRequired) as used:
        await exchange_code(world.http, "wxmini", code, secret)
    with pytest.raises(LoginRequired) as unknown:
        await exchange_code(world.http, "wxmini", "no-code", secret)

    assert login.openid == USER
    assert login.unionid
    assert login.session_key.get_secret_value() not in repr(login)
    assert (used.value.errcode, unknown.value.errcode) == (40163, 40029)


async def test_a_login_is_never_retried(world: World) -> None:
    """A retry after a lost response would only report a used code."""
    secret = ACCOUNTS.named("mini").secret
    assert secret is not None
    await world.control.fault(Fault(path="/sns/jscode2session", errcode=-1, times=2))

    with pytest.raises(ServerBusy):
        await exchange_code(world.http, "wxmini", "code", secret)

    assert world.sandbox.faults.remaining("/sns/jscode2session") == 1
