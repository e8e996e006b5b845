"""Name, picture and introduction of a Mini Program, set by a third-party platform."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Flag,
    Id,
    Key,
    Merged,
    NumberId,
    Part,
    Refused,
    Timestamp,
    get,
    post,
)

NAME_ERRORS: Final = (53010, 53011, 53012, 53013)

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=30), Key("nick_name"), Refused(53010)]
Side: TypeAlias = Annotated[str, Field(pattern=r"^[01](\.\d+)?$", examples=["0.5"])]
"""A fraction of the picture, such as "0.5"."""


class NameProofs(Part):
    """Documents, as media ids: an identity card or a business licence, and up to five others."""

    id_card: str | None = None
    licence: str | None = Field(default=None, validation_alias="license", serialization_alias="license")
    other_1: str | None = Field(
        default=None, validation_alias="naming_other_stuff_1", serialization_alias="naming_other_stuff_1"
    )
    other_2: str | None = Field(
        default=None, validation_alias="naming_other_stuff_2", serialization_alias="naming_other_stuff_2"
    )
    other_3: str | None = Field(
        default=None, validation_alias="naming_other_stuff_3", serialization_alias="naming_other_stuff_3"
    )
    other_4: str | None = Field(
        default=None, validation_alias="naming_other_stuff_4", serialization_alias="naming_other_stuff_4"
    )
    other_5: str | None = Field(
        default=None, validation_alias="naming_other_stuff_5", serialization_alias="naming_other_stuff_5"
    )


class NicknameInfo(Answer):
    """The name, and how often it can change this year."""

    nickname: str = ""
    modify_used_count: int = 0
    modify_quota: int = 0


class HeadImageInfo(Answer):
    """The picture, and how often it can change this year."""

    head_image_url: str = ""
    modify_used_count: int = 0
    modify_quota: int = 0


class SignatureInfo(Answer):
    """The introduction, and how often it can change this month."""

    signature: str = ""
    modify_used_count: int = 0
    modify_quota: int = 0


class Verification(Answer):
    """Whether WeChat verified the owner."""

    qualification_verify: bool = False
    naming_verify: bool = False
    annual_review: bool = False
    annual_review_begin_time: Timestamp | None = None
    annual_review_end_time: Timestamp | None = None


class Profile(Answer):
    """The account."""

    appid: str
    account_type: int = 0
    """1 subscription account, 2 service account, 3 Mini Program."""
    principal_type: int = 0
    """0 person, 1 organisation ..."""
    principal_name: str = ""
    credential: str = ""
    realname_status: int = 0
    """1 done, 2 running, 3 failed."""
    registered_country: int = 0
    nickname_info: NicknameInfo | None = None
    head_image_info: HeadImageInfo | None = None
    signature_info: SignatureInfo | None = None
    wx_verify_info: Verification | None = None


class Renaming(Answer):
    """A new name."""

    audit_id: str = ""
    """Only if the name is reviewed; the result is a `NicknameAuditEvent`."""
    wording: str = ""


class RenamingState(Answer):
    """The status of the review of a name."""

    nickname: str = ""
    audit_stat: int = 0
    """1 running, 2 failed, 3 passed."""
    fail_reason: str = ""
    create_time: Timestamp | None = None
    audit_time: Timestamp | None = None


class NameCheck(Answer):
    """Whether a name is possible."""

    hit_condition: bool = False
    """Whether it needs proof."""
    wording: str = ""


class Profiles(Family):
    """Name, picture and introduction of a Mini Program."""

    title = "小程序名称、头像与简介"
    kinds = ("mini_program",)

    @get(
        "/cgi-bin/account/getaccountbasicinfo",
        name="getAccountBasicInfo",
        title="获取基本信息",
        repeat=Repeat.READ,
        older="POST",
    )
    async def find(self) -> Profile:
        """Return the account."""

    @post(
        "/cgi-bin/account/modifyheadimage",
        name="setHeadImage",
        title="修改头像",
        repeat=Repeat.NEVER,
        errcodes=(40007, 53202),
    )
    async def set_picture(
        self,
        media_id: Annotated[Id, Key("head_img_media_id"), Refused(40007)],
        *,
        x1: Side = "0",
        y1: Side = "0",
        x2: Side = "1",
        y2: Side = "1",
    ) -> None:
        """Set the picture to a part of temporary media."""

    @post(
        "/cgi-bin/account/modifysignature",
        name="setSignature",
        title="修改功能介绍",
        repeat=Repeat.NEVER,
        errcodes=(53200, 53201),
    )
    async def set_introduction(
        self, text: Annotated[str, Field(min_length=4, max_length=120), Key("signature"), Refused(53201)]
    ) -> None:
        """Set the introduction."""

    @post(
        "/wxa/setnickname",
        name="setNickName",
        title="设置小程序名称",
        repeat=Repeat.NEVER,
        errcodes=(*NAME_ERRORS, 53018, 53019),
    )
    async def set_name(self, name: Name, *, proofs: Annotated[NameProofs | None, Merged()] = None) -> Renaming:
        """Set the name; some names need proofs, as `check_name` says."""

    @post("/wxa/api_wxa_querynickname", name="getNickNameStatus", title="查询改名审核状态", repeat=Repeat.READ)
    async def renaming(self, audit_id: NumberId) -> RenamingState:
        """Return the status of the review of a name."""

    @post(
        "/cgi-bin/wxverify/checkwxverifynickname",
        name="checkNickName",
        title="小程序名称检测",
        repeat=Repeat.READ,
        errcodes=NAME_ERRORS,
    )
    async def check_name(self, name: Name) -> NameCheck:
        """Return whether a name is possible."""

    @post(
        "/wxa/changewxasearchstatus",
        name="setSearchStatus",
        title="设置小程序是否可被搜索",
        repeat=Repeat.READ,
        errcodes=(85083,),
    )
    async def set_hidden(self, hidden: Annotated[Flag, Key("status")]) -> None:
        """Hide the Mini Program from searches, or show it."""

    @get("/wxa/getwxasearchstatus", name="getSearchStatus", title="查询小程序是否可被搜索", repeat=Repeat.READ)
    async def is_hidden(self) -> Annotated[bool, Key("status")]:
        """Return whether the Mini Program is hidden from searches."""
