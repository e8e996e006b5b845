"""Menus of an Official Account."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, Part, Refused, get, post
from wxbus.api.endpoints.menu_answers import AutoReplies, CurrentMenu, Menu, MenuConfiguration
from wxbus.api.endpoints.menu_buttons import Buttons

NO_MENU: Final = 46003
NO_MENU_ID: Final = 65301
NO_USER: Final = 65302
EMPTY_RULE: Final = 65304
BUTTON_ERRORS: Final = (
    40007, 40016, 40017, 40018, 40019, 40020, 40023, 40024, 40027, 40033, 40054, 40055, 53600, 65316
)  # fmt: skip


class MatchRule(Part):
    """The users who see a conditional menu; give at least one field."""

    tag_id: str | None = None
    platform: Literal["1", "2", "3"] | None = Field(
        default=None, validation_alias="client_platform_type", serialization_alias="client_platform_type"
    )
    """1 iOS, 2 Android, 3 others."""

    @model_validator(mode="after")
    def _not_empty(self) -> "MatchRule":
        if self.tag_id is None and self.platform is None:
            raise ValueError("give tag_id or platform")
        return self


class Menus(Family):
    """The menu at the foot of the chat. Clients of WeChat show a change within five minutes."""

    title = "自定义菜单"

    @post(
        "/cgi-bin/menu/create",
        name="createCustomMenu",
        title="创建自定义菜单",
        repeat=Repeat.READ,
        errcodes=(*BUTTON_ERRORS, 40015, 45064, 65317),
    )
    async def create(self, buttons: Buttons) -> None:
        """Replace the menu; 1,000 times a day."""

    @get("/cgi-bin/menu/get", name="getMenu", title="获取自定义菜单配置", repeat=Repeat.READ, errcodes=(NO_MENU,))
    async def configuration(self) -> MenuConfiguration:
        """Return the menus that were made by API."""

    @get("/cgi-bin/menu/delete", name="deleteMenu", title="删除自定义菜单", repeat=Repeat.READ, errcodes=(NO_MENU,))
    async def delete(self) -> None:
        """Delete the menu, and all conditional menus."""

    @post(
        "/cgi-bin/menu/addconditional",
        name="addConditionalMenu",
        title="创建个性化菜单",
        repeat=Repeat.SEND,
        errcodes=(
            *BUTTON_ERRORS, 65303, EMPTY_RULE, 65305, 65306, 65307, 65308, 65309, 65320
        ),
    )  # fmt: skip
    async def add_conditional(
        self, buttons: Buttons, rule: Annotated[MatchRule, Key("matchrule"), Refused(EMPTY_RULE)]
    ) -> Annotated[str, Key("menuid")]:
        """Add a menu for some users, and return its id; 2,000 times a day. The newest menu that fits is shown."""

    @post(
        "/cgi-bin/menu/delconditional",
        name="deleteConditionalMenu",
        title="删除个性化菜单",
        repeat=Repeat.READ,
        errcodes=(NO_MENU_ID,),
    )
    async def delete_conditional(self, menu_id: Annotated[Id, Key("menuid"), Refused(NO_MENU_ID)]) -> None:
        """Delete a conditional menu; 2,000 times a day."""

    @post(
        "/cgi-bin/menu/trymatch",
        name="tryMatchMenu",
        title="测试个性化菜单匹配结果",
        repeat=Repeat.READ,
        errcodes=(NO_USER,),
    )
    async def match(
        self, user: Annotated[str, Field(min_length=1, max_length=128), Key("user_id"), Refused(NO_USER)]
    ) -> Menu:
        """Return the menu that a user sees, by openid or WeChat id; 20,000 times a day."""

    @get(
        "/cgi-bin/get_current_selfmenu_info",
        name="getCurrentSelfmenuInfo",
        title="查询自定义菜单信息",
        repeat=Repeat.READ,
    )
    async def current(self) -> CurrentMenu:
        """Return the menu that users see, also if it was made in WeChat's console."""

    @get(
        "/cgi-bin/get_current_autoreply_info",
        name="getCurrentAutoreplyInfo",
        title="获取自动回复规则",
        repeat=Repeat.READ,
    )
    async def auto_replies(self) -> AutoReplies:
        """Return the automatic replies of the account."""
