"""The testers and plug-ins of a Mini Program."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Refused,
    post,
)


class Tester(Answer):
    """A tester."""

    userstr: str
    """Identifies the tester."""


class Plugin(Answer):
    """A plug-in that the Mini Program uses."""

    appid: str
    status: int = 0
    """1 requested, 2 granted, 3 refused, 4 timed out."""
    nickname: str = ""
    headimgurl: str = ""


class PluginUser(Answer):
    """A Mini Program that applied for the plug-in."""

    appid: str
    status: int = 0
    nickname: str = ""
    headimgurl: str = ""
    reason: str = ""
    apply_url: str = ""
    create_time: str = ""


class Testers(Family):
    """The testers of a Mini Program."""

    title = "体验成员"
    kinds = ("mini_program",)

    @post(
        "/wxa/bind_tester",
        name="bindTester",
        title="绑定体验者",
        repeat=Repeat.READ,
        errcodes=(85001, 85002, 85003, 85004),
    )
    async def add(
        self, wechat_id: Annotated[str, Field(min_length=1), Key("wechatid"), Refused(85001)]
    ) -> Annotated[str, Key("userstr")]:
        """Make a user a tester; return the text that identifies the tester."""

    @post("/wxa/unbind_tester", name="unbindTester", title="解除绑定体验者", repeat=Repeat.READ)
    async def remove(
        self, *, userstr: str | None = None, wechat_id: Annotated[str | None, Key("wechatid")] = None
    ) -> None:
        """Remove a tester, by `userstr` or by the WeChat id."""

    @post(
        "/wxa/memberauth",
        name="getTester",
        title="获取体验者列表",
        repeat=Repeat.READ,
        fixed={"action": "get_experiencer"},
    )
    async def all(self) -> Annotated[list[Tester], Key("members")]:
        """Return the testers."""


class Plugins(Family):
    """The plug-ins that a Mini Program uses, and those that use it."""

    title = "小程序插件"
    kinds = ("mini_program",)

    @post("/wxa/plugin", name="managePlugin", title="插件管理", repeat=Repeat.READ, fixed={"action": "list"})
    async def all(self) -> Annotated[list[Plugin], Key("plugin_list")]:
        """Return the plug-ins that the Mini Program uses."""

    @post(
        "/wxa/plugin",
        name="managePlugin",
        title="插件管理",
        repeat=Repeat.SEND,
        errcodes=(80067,),
        fixed={"action": "apply"},
    )
    async def apply(
        self, appid: Annotated[Id, Key("plugin_appid"), Refused(80067)], *, reason: str | None = None
    ) -> None:
        """Apply for a plug-in."""

    @post(
        "/wxa/plugin",
        name="managePlugin",
        title="插件管理",
        repeat=Repeat.READ,
        errcodes=(80067,),
        fixed={"action": "unbind"},
    )
    async def remove(self, appid: Annotated[Id, Key("plugin_appid"), Refused(80067)]) -> None:
        """Stop using a plug-in."""

    @post(
        "/wxa/plugin",
        name="managePlugin",
        title="插件管理",
        repeat=Repeat.READ,
        errcodes=(80067,),
        fixed={"action": "update"},
    )
    async def update(
        self, appid: Annotated[Id, Key("plugin_appid"), Refused(80067)], version: Annotated[str, Key("user_version")]
    ) -> None:
        """Use another version of a plug-in."""

    @post(
        "/wxa/devplugin",
        name="managePluginApplication",
        title="插件申请管理",
        repeat=Repeat.READ,
        fixed={"action": "dev_apply_list"},
    )
    async def applications(
        self, *, page: Annotated[int, Field(ge=1)] = 1, count: Annotated[int, Field(ge=1, le=20), Key("num")] = 10
    ) -> Annotated[list[PluginUser], Key("apply_list")]:
        """Return the Mini Programs that applied for this plug-in."""

    @post(
        "/wxa/devplugin",
        name="managePluginApplication",
        title="插件申请管理",
        repeat=Repeat.READ,
        fixed={"action": "dev_agree"},
    )
    async def agree(self, appid: Id) -> None:
        """Let a Mini Program use this plug-in."""

    @post(
        "/wxa/devplugin",
        name="managePluginApplication",
        title="插件申请管理",
        repeat=Repeat.READ,
        fixed={"action": "dev_refuse"},
    )
    async def refuse(self, reason: str) -> None:
        """Refuse an application."""
