"""Models of audits and releases of Mini Programs."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.declaration import (
    Answer,
    Key,
    NumberId,
    Part,
    Refused,
    Timestamp,
)

NOT_ON_BEHALF: Final = 86000
SUBMIT_ERRORS: Final = (
    NOT_ON_BEHALF, 61039, 85006, 85007, 85008, 85009, 85010, 85011, 85023, 85051, 85052, 85077, 85080, 85085, 85086,
    85087, 85092, 85093, 85094, 86001, 86002
)  # fmt: skip
COMMIT_ERRORS: Final = (
    80066, 80067, 80082, 85013, 85014, 85043, 85044, 85045, 85046, 85047, 85048, 85088, 85089
)  # fmt: skip

AuditId: TypeAlias = Annotated[NumberId, Key("auditid"), Refused(85012)]


class AuditItem(Part):
    """A page to be audited, with its category of `categories`."""

    address: str | None = None
    tag: str | None = None
    """Up to 10 tags, separated by blanks."""
    title: str | None = Field(default=None, max_length=32)
    first_class: str | None = None
    second_class: str | None = None
    third_class: str | None = None
    first_id: int | None = None
    second_id: int | None = None
    third_id: int | None = None


class PreviewInfo(Part):
    """Media of `upload_media` that show how the Mini Program works."""

    video_id_list: list[str] = Field(default_factory=list)
    pic_id_list: list[str] = Field(default_factory=list)


class UgcDeclaration(Part):
    """The content that users can publish in the Mini Program, and its checks."""

    scene: list[int]
    other_scene_desc: str | None = None
    method: list[int] | None = None
    has_audit_team: Literal[0, 1] | None = None
    audit_desc: str | None = None


class CodeCategory(Answer):
    """A category of the Mini Program."""

    first_class: str = ""
    second_class: str = ""
    third_class: str = ""
    first_id: int = 0
    second_id: int = 0
    third_id: int = 0


class AuditMedia(Answer):
    """Uploaded media for an audit."""

    type: str = ""
    mediaid: str


class AuditStatus(Answer):
    """The status of an audit."""

    status: int
    """0 passed, 1 rejected, 2 running, 3 withdrawn, 4 delayed."""
    reason: str = ""
    screenshot: str = ""
    """Media ids, separated by |."""


class LatestAudit(Answer):
    """The latest audit."""

    auditid: str
    status: int = 0
    reason: str = ""
    screenshot: str = Field(default="", alias="ScreenShot")


class CodeVersion(Answer):
    """An older version."""

    app_version: int
    user_version: str = ""
    user_desc: str = ""
    commit_time: Timestamp | None = None


class GrayRelease(Answer):
    """A release to a part of the users."""

    status: int = 0
    """0 begun, 1 running, 2 paused, 3 done, 4 deleted."""
    gray_percentage: int = 0
    support_debuger_first: bool = False
    support_experiencer_first: bool = False
    create_timestamp: Timestamp | None = None


class TrialVersion(Answer):
    """The trial version."""

    exp_time: Timestamp | None = None
    exp_version: str = ""
    exp_desc: str = ""


class ReleasedVersion(Answer):
    """The released version."""

    release_time: Timestamp | None = None
    release_version: str = ""
    release_desc: str = ""


class Versions(Answer):
    """The versions of the Mini Program."""

    exp_info: TrialVersion | None = None
    release_info: ReleasedVersion | None = None


class AuditQuota(Answer):
    """The number of audits that the platform has left this month."""

    rest: int = 0
    limit: int = 0
    speedup_rest: int = 0
    speedup_limit: int = 0


class ClientShare(Answer):
    """The users of one version of the base library."""

    version: str
    percentage: float = 0


class ClientShares(Answer):
    """Users by version of the base library."""

    items: tuple[ClientShare, ...] = ()


class SupportVersions(Answer):
    """The lowest version of the base library, and users by version."""

    now_version: str = ""
    uv_info: ClientShares = ClientShares()
