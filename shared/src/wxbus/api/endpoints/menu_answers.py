"""Menus and automatic replies as WeChat keeps them."""

from typing import Any

from pydantic import Field, model_validator

from wxbus.api.declaration import Answer, Flag, Timestamp


class MenuButton(Answer):
    """A button as WeChat keeps it."""

    name: str = ""
    type: str = ""
    key: str = ""
    url: str = ""
    media_id: str = ""
    article_id: str = ""
    appid: str = ""
    page: str = Field(default="", alias="pagepath")
    buttons: tuple["MenuButton", ...] = Field(default=(), alias="sub_button")


class Rule(Answer):
    """The users who see a menu."""

    tag_id: str = ""
    platform: str = Field(default="", alias="client_platform_type")


class Menu(Answer):
    """A menu."""

    buttons: tuple[MenuButton, ...] = Field(default=(), alias="button")
    menu_id: str = Field(default="", alias="menuid")
    """"" if the account has no conditional menu."""
    rule: Rule | None = Field(default=None, alias="matchrule")
    """Of a conditional menu."""

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, found: Any) -> Any:
        """Unwrap the menu, which some answers of `match` have in an object."""
        return found["menu"] if isinstance(found, dict) and isinstance(found.get("menu"), dict) else found


class MenuConfiguration(Answer):
    """The menus that were made by API."""

    menu: Menu
    conditional: tuple[Menu, ...] = Field(default=(), alias="conditionalmenu")


class ButtonList(Answer):
    """The buttons below a button."""

    buttons: tuple["ConsoleButton", ...] = Field(default=(), alias="list")


class Article(Answer):
    """An article that a button sends."""

    title: str = ""
    author: str = ""
    digest: str = ""
    show_cover: Flag = False
    cover_url: str = ""
    content_url: str = ""
    source_url: str = ""


class ArticleList(Answer):
    """The articles that a button sends."""

    articles: tuple[Article, ...] = Field(default=(), alias="list")


class ConsoleButton(Answer):
    """A button that was made by API or in WeChat's console."""

    name: str = ""
    type: str = ""
    key: str = ""
    value: str = ""
    """The text, or the id of the media, that the button sends."""
    url: str = ""
    news_info: ArticleList = Field(default_factory=ArticleList)
    sub_button: ButtonList = Field(default_factory=ButtonList)


class ConsoleMenu(Answer):
    """The buttons of the menu."""

    buttons: tuple[ConsoleButton, ...] = Field(default=(), alias="button")


class CurrentMenu(Answer):
    """The menu that users see."""

    is_open: Flag = Field(default=False, alias="is_menu_open")
    menu: ConsoleMenu = Field(default_factory=ConsoleMenu, alias="selfmenu_info")


class AutoReply(Answer):
    """An automatic reply."""

    type: str = ""
    """text, img, voice, video or news."""
    content: str = ""
    news_info: ArticleList = Field(default_factory=ArticleList)


class Keyword(Answer):
    """A keyword with an automatic reply."""

    type: str = ""
    match_mode: str = ""
    """contain or equal."""
    content: str = ""


class KeywordRule(Answer):
    """Replies to keywords."""

    rule_name: str = ""
    reply_mode: str = ""
    """reply_all or random_one."""
    create_time: Timestamp | None = None
    keywords: tuple[Keyword, ...] = Field(default=(), alias="keyword_list_info")
    replies: tuple[AutoReply, ...] = Field(default=(), alias="reply_list_info")


class KeywordRules(Answer):
    """The rules for keywords."""

    rules: tuple[KeywordRule, ...] = Field(default=(), alias="list")


class AutoReplies(Answer):
    """The automatic replies of the account, as set in WeChat's console."""

    is_add_friend_reply_open: Flag = False
    is_autoreply_open: Flag = False
    to_follow: AutoReply | None = Field(default=None, alias="add_friend_autoreply_info")
    to_message: AutoReply | None = Field(default=None, alias="message_default_autoreply_info")
    to_keywords: KeywordRules = Field(default_factory=KeywordRules, alias="keyword_autoreply_info")
