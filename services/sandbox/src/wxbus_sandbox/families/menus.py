"""The menus of an account."""

from collections.abc import Iterable, Sequence
from typing import Final

from wxbus.api.endpoints.menu_answers import (
    ButtonList,
    ConsoleButton,
    ConsoleMenu,
    CurrentMenu,
    Menu,
    MenuButton,
    MenuConfiguration,
    Rule,
)
from wxbus.api.endpoints.menu_buttons import Button, SubMenu
from wxbus.api.endpoints.menus import NO_MENU, NO_MENU_ID, MatchRule, Menus
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.families.users import UserState
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

FIRST_ID: Final = 400_000_000
NO_DEFAULT_MENU: Final = 65303


class MenuState(Part):
    """The menus of one account."""

    def __init__(self) -> None:
        self.menu: tuple[MenuButton, ...] | None = None
        self.conditional: dict[str, Menu] = {}
        """By id, oldest first."""
        self.last_id = FIRST_ID

    def matching(self, tags: Iterable[int]) -> tuple[MenuButton, ...]:
        """Return the newest menu for a user with these tags, whose platform is unknown; () without a menu."""
        of_user = {"", *map(str, tags)}
        for menu in reversed(self.conditional.values()):
            if menu.rule is not None and menu.rule.tag_id in of_user and not menu.rule.platform:
                return menu.buttons
        return self.menu or ()


class MenusTwin(Twin, Menus):
    """Keeps the menus."""

    async def create(self, buttons: Sequence[Button | SubMenu]) -> None:
        """Keep the menu."""
        self.call.state(MenuState).menu = _kept(buttons)

    async def configuration(self) -> MenuConfiguration:
        """Return all menus."""
        state = self.call.state(MenuState)
        menu = Menu(buttons=self._default(), menu_id=str(FIRST_ID) if state.conditional else "")
        return MenuConfiguration(menu=menu, conditional=tuple(state.conditional.values()))

    async def delete(self) -> None:
        """Forget all menus."""
        self._default()
        state = self.call.state(MenuState)
        state.menu = None
        state.conditional.clear()

    async def add_conditional(self, buttons: Sequence[Button | SubMenu], rule: MatchRule) -> str:
        """Keep a conditional menu."""
        state = self.call.state(MenuState)
        if state.menu is None:
            raise ApiError(NO_DEFAULT_MENU)
        state.last_id += 1
        menu_id = str(state.last_id)
        kept = Rule(tag_id=rule.tag_id or "", platform=rule.platform or "")
        state.conditional[menu_id] = Menu(buttons=_kept(buttons), menu_id=menu_id, rule=kept)
        return menu_id

    async def delete_conditional(self, menu_id: str) -> None:
        """Forget a conditional menu."""
        if self.call.state(MenuState).conditional.pop(menu_id, None) is None:
            raise ApiError(NO_MENU_ID)

    async def match(self, user: str) -> Menu:
        """Return the menu that a user sees."""
        tags = self.call.state(UserState).tags_of.get(user, ())
        return Menu(buttons=self.call.state(MenuState).matching(tags))

    async def current(self) -> CurrentMenu:
        """Return the menu as the console shows it."""
        menu = self.call.state(MenuState).menu or ()
        buttons = tuple(
            ConsoleButton(
                name=button.name,
                type=button.type,
                key=button.key,
                url=button.url,
                sub_button=ButtonList(
                    buttons=tuple(
                        ConsoleButton(name=one.name, type=one.type, key=one.key, url=one.url) for one in button.buttons
                    )
                ),
            )
            for button in menu
        )
        return CurrentMenu(is_open=bool(menu), menu=ConsoleMenu(buttons=buttons))

    def _default(self) -> tuple[MenuButton, ...]:
        if (menu := self.call.state(MenuState).menu) is None:
            raise ApiError(NO_MENU)
        return menu


def _kept(buttons: Sequence[Button | SubMenu]) -> tuple[MenuButton, ...]:
    return tuple(MenuButton.model_validate(button.model_dump(by_alias=True)) for button in buttons)
