"""The privacy notice of a Mini Program: which user data it uses, and why."""

from typing import Annotated, Final, Literal, TypeAlias

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    FileLimits,
    Key,
    Part,
    Timestamp,
    post,
)
from wxbus.api.uploads import UploadFile

PRIVACY_ERRORS: Final = (86074, 86075, 86076, 86077)
MAX_FILE: Final = 2 * 1024 * 1024


class Owner(Part):
    """The contacts of the owner; one is required."""

    notice_method: str
    """How users learn of changes."""
    contact_email: str | None = None
    contact_phone: str | None = None
    contact_qq: str | None = None
    contact_weixin: str | None = None
    ext_file_media_id: str | None = None
    """A file of `upload_file`."""
    store_expire_timestamp: str | None = None
    """The retention period of the data."""


class Purpose(Part):
    """One kind of data and why it is used."""

    privacy_key: str
    privacy_text: str


class OwnerInfo(Answer):
    """The contacts of the owner."""

    notice_method: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    contact_qq: str = ""
    contact_weixin: str = ""
    ext_file_media_id: str = ""
    store_expire_timestamp: str = ""


class PurposeInfo(Answer):
    """One kind of data and why it is used."""

    privacy_key: str
    privacy_text: str = ""
    privacy_label: str = ""


class PrivacyDescription(Answer):
    """One kind of data."""

    privacy_key: str
    privacy_desc: str = ""


class PrivacyDescriptions(Answer):
    """All kinds of data."""

    privacy_desc_list: tuple[PrivacyDescription, ...] = ()


class PrivacySetting(Answer):
    """The privacy notice of the Mini Program."""

    code_exist: bool = False
    owner_setting: OwnerInfo | None = None
    privacy_list: tuple[str, ...] = ()
    """The kinds of data that the code uses."""
    setting_list: tuple[PurposeInfo, ...] = ()
    privacy_desc: PrivacyDescriptions = PrivacyDescriptions()
    update_time: Timestamp | None = None


Version: TypeAlias = Annotated[Literal[1, 2], Key("privacy_ver")]
"""1 the released version, 2 the one in development."""


class Privacy(Family):
    """The privacy notice of a Mini Program."""

    title = "小程序用户隐私"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/component/getprivacysetting",
        name="getPrivacySetting",
        title="获取小程序用户隐私保护指引",
        repeat=Repeat.READ,
    )
    async def find(self, *, version: Version = 2) -> PrivacySetting:
        """Return the privacy notice of the Mini Program."""

    @post(
        "/cgi-bin/component/setprivacysetting",
        name="setPrivacySetting",
        title="设置小程序用户隐私保护指引",
        repeat=Repeat.READ,
        errcodes=PRIVACY_ERRORS,
    )
    async def set(
        self,
        owner: Annotated[Owner, Key("owner_setting")],
        purposes: Annotated[list[Purpose], Key("setting_list")],
        *,
        version: Version = 2,
    ) -> None:
        """Set the privacy notice of the Mini Program."""

    @post(
        "/cgi-bin/component/uploadprivacyextfile",
        name="uploadPrivacySetting",
        title="上传小程序用户隐私保护指引",
        repeat=Repeat.SEND,
    )
    async def upload_file(
        self, file: Annotated[UploadFile, FileLimits(MAX_FILE, (".txt", ".doc", ".docx", ".pdf"))]
    ) -> Annotated[str, Key("ext_file_media_id")]:
        """Upload a notice of your own; return its id."""
