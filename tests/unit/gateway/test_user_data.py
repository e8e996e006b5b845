"""The age of user data."""

from pydantic import SecretStr

from tests.support.sandbox import World
from wxbus.errors import RpcFailure
from wxbus_gateway.login.user_data import MAX_AGE, MAX_AHEAD, UserData

OPENID = "oUser0000000000000000000001"


async def test_old_and_future_data_is_refused(world: World) -> None:
    """Data that WeChat encrypted too long ago may be a replay; the limits themselves are accepted."""
    world.sandbox.logins.renew_key("wxmini", OPENID)
    session_key = SecretStr(world.sandbox.logins.session_key("wxmini", OPENID) or "")
    shared = world.sandbox.user_data.profile("wxmini", OPENID, "小明")
    encrypted = int(world.sandbox.clock.wall())

    async def opened(now: float) -> object:
        data = UserData(now=lambda: now)
        try:
            found = await data.open(
                world.client("mini"), OPENID, session_key, iv=shared.iv, encrypted_data=shared.encrypted_data
            )
        except RpcFailure as exc:
            return exc.status
        return found["nickName"]

    offsets = (MAX_AGE - 60, 30 - MAX_AHEAD, MAX_AGE + 60, -2 * MAX_AHEAD)
    assert [await opened(encrypted + offset) for offset in offsets] == ["小明", "小明", 422, 422]
