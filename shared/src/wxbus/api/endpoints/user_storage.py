"""Data of users that Mini Games keep at WeChat, for ranking lists among friends."""

from typing import Annotated, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Key, MaxBytes, Part, Query, Refused, post
from wxbus.api.endpoints.sessions import HMAC, SessionKey

OpenId: TypeAlias = Annotated[str, Query(), Field(min_length=1, max_length=128), Refused(40003)]


class StoredValue(Part):
    """One value of a user; key and value have up to 1024 bytes together."""

    key: Annotated[str, Field(min_length=1), MaxBytes(128)]
    value: Annotated[str, MaxBytes(1024)]


class InteractiveValue(Part):
    """A number of the user that friends may change."""

    key: Annotated[str, Field(min_length=1), MaxBytes(128)]
    value: int


class UserStorage(Family):
    """Data of users that Mini Games keep at WeChat."""

    title = "小游戏用户数据"
    kinds = ("mini_program",)

    @post(
        "/wxa/set_user_storage",
        name="setUserStorage",
        title="上报用户数据",
        repeat=Repeat.READ,
        errcodes=(87007, 87008, 87009),
        fixed_query=HMAC,
    )
    async def set(
        self,
        openid: OpenId,
        values: Annotated[list[StoredValue], Field(min_length=1, max_length=128), Key("kv_list")],
        session_key: SessionKey,
    ) -> None:
        """Set values of a user, up to 128 in all."""

    @post(
        "/wxa/remove_user_storage",
        name="removeUserStorage",
        title="删除已上报的用户数据",
        repeat=Repeat.READ,
        errcodes=(87007, 87008, 87009),
        fixed_query=HMAC,
    )
    async def remove(
        self, openid: OpenId, keys: Annotated[list[str], Field(min_length=1), Key("key")], session_key: SessionKey
    ) -> None:
        """Remove values of a user."""

    @post(
        "/wxa/setuserinteractivedata",
        name="setUserInteractiveData",
        title="写用户关系链互动数据",
        repeat=Repeat.READ,
        errcodes=(87007, 87008, 87009),
        fixed_query=HMAC,
    )
    async def set_interactive(
        self,
        openid: OpenId,
        values: Annotated[list[InteractiveValue], Field(min_length=1), Key("kv_list")],
        session_key: SessionKey,
    ) -> None:
        """Set numbers of a user that friends may change in the game."""
