"""Rules by which ordinary QR codes, with URLs of your own, open a page of a Mini Program."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Key, Refused, post

WRONG_LINK: Final = 85066

Prefix: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024), Refused(WRONG_LINK)]
"""The beginning of the URLs."""
Appid: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), Refused(85076)]


class SubRules(IntEnum):
    """Whether longer prefixes may have rules of their own."""

    FORBIDDEN = 1
    PERMITTED = 2


class OpenVersion(IntEnum):
    """The version that testers open."""

    DEVELOP = 1
    TRIAL = 2
    RELEASE = 3


class QrCodeRule(Answer):
    """A rule."""

    prefix: str
    path: str = ""
    state: int = 1
    """1: not published, 2: published."""
    permit_sub_rule: int = SubRules.FORBIDDEN
    open_version: int = OpenVersion.RELEASE
    debug_url: tuple[str, ...] = ()


class QrCodeRuleList(Answer):
    """A page of the list of rules."""

    rule_list: tuple[QrCodeRule, ...] = ()
    total: int = Field(default=0, alias="list_size")
    publications_left: int = Field(default=0, alias="qrcodejump_pub_quota")
    """In this month, of 100."""
    enabled: bool = Field(default=False, alias="qrcodejump_open")


class VerificationFile(Answer):
    """The file that the domain must serve."""

    file_name: str
    file_content: str


class QrCodeRules(Family):
    """Rules for QR codes with URLs of your own. The domain must serve the verification file."""

    title = "普通链接二维码"
    kinds = ("official_account", "mini_program")

    @post(
        "/cgi-bin/wxopen/qrcodejumpadd",
        title="增加或修改二维码规则",
        repeat=Repeat.READ,
        errcodes=(
            44990, WRONG_LINK, 85068, 85069, 85070, 85071, 85072, 85073, 85074, 85075, 85076, 886000
        ),
    )  # fmt: skip
    async def save(
        self,
        prefix: Prefix,
        path: Annotated[str, Field(min_length=1, max_length=1024)],
        *,
        change: Annotated[Flag, Key("is_edit")] = False,
        open_version: OpenVersion = OpenVersion.RELEASE,
        debug_urls: Annotated[Sequence[str] | None, Field(max_length=5), Key("debug_url")] = None,
        sub_rules: Annotated[SubRules, Key("permit_sub_rule")] = SubRules.FORBIDDEN,
        appid: Appid | None = None,
    ) -> None:
        """Add a rule, or change that of the prefix (`change=True`): `path` is the page that opens.

        `appid` is the Mini Program, for calls of an Official Account. `debug_urls` open `open_version` for testers.
        """

    @post("/cgi-bin/wxopen/qrcodejumpget", title="获取已设置的二维码规则", repeat=Repeat.READ, fixed={"get_type": 2})
    async def rules(
        self,
        page: Annotated[int, Field(ge=1), Key("page_num")] = 1,
        *,
        page_size: Annotated[int, Field(ge=1, le=200)] = 200,
        appid: Appid | None = None,
    ) -> QrCodeRuleList:
        """Return a page of the rules."""

    @post("/cgi-bin/wxopen/qrcodejumpget", title="获取已设置的二维码规则", repeat=Repeat.READ, fixed={"get_type": 1})
    async def find(
        self,
        prefixes: Annotated[Sequence[str], Field(min_length=1), Key("prefix_list")],
        *,
        appid: Appid | None = None,
    ) -> QrCodeRuleList:
        """Return the rules of some prefixes."""

    @post("/cgi-bin/wxopen/qrcodejumpdelete", title="删除已设置的二维码规则", repeat=Repeat.READ)
    async def delete(self, prefix: Prefix, *, appid: Appid | None = None) -> None:
        """Delete a rule."""

    @post(
        "/cgi-bin/wxopen/qrcodejumppublish",
        title="发布已设置的二维码规则",
        repeat=Repeat.READ,
        errcodes=(85073, 85074, 85075, 85095, 886000),
    )
    async def publish(self, prefix: Prefix) -> None:
        """Publish a rule for all users; 100 times a month."""

    @post("/cgi-bin/wxopen/qrcodejumpdownload", title="获取校验文件名称及内容", repeat=Repeat.READ)
    async def verification_file(self) -> VerificationFile:
        """Return the file that the domain must serve below the prefix."""
