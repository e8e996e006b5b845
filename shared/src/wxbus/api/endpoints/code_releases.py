"""Upload, audit and release of a Mini Program's code, by a third-party platform."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    FileLimits,
    Key,
    NumberId,
    Refused,
    get,
    post,
)
from wxbus.api.endpoints.code_versions import (
    COMMIT_ERRORS,
    NOT_ON_BEHALF,
    SUBMIT_ERRORS,
    AuditId,
    AuditItem,
    AuditMedia,
    AuditQuota,
    AuditStatus,
    CodeCategory,
    CodeVersion,
    GrayRelease,
    LatestAudit,
    PreviewInfo,
    SupportVersions,
    UgcDeclaration,
    Versions,
)
from wxbus.api.uploads import UploadFile

MEGABYTES: Final = 10 * 1024 * 1024


class CodeReleases(Family):
    """Upload, audit and release of the code. Results of audits are `WeAppAuditSuccessEvent`s and similar events."""

    title = "小程序代码的上传、审核与发布"
    kinds = ("mini_program",)

    @post("/wxa/commit", name="commit", title="上传代码并生成体验版", repeat=Repeat.READ, errcodes=COMMIT_ERRORS)
    async def commit(
        self,
        template_id: Annotated[NumberId, Refused(85014)],
        user_version: Annotated[str, Field(min_length=1, max_length=64)],
        user_desc: str,
        *,
        ext_json: Annotated[str, Refused(85048)] = "{}",
    ) -> None:
        """Make a trial version of a template; `ext_json` is JSON as text."""

    @get("/wxa/get_category", name="getCategory", title="获取审核时可填写的类目信息", repeat=Repeat.READ)
    async def categories(self) -> Annotated[list[CodeCategory], Key("category_list")]:
        """Return the categories for an audit."""

    @get(
        "/wxa/get_page",
        name="getCodePage",
        title="获取已上传的代码的页面列表",
        repeat=Repeat.READ,
        errcodes=(NOT_ON_BEHALF,),
    )
    async def pages(self) -> Annotated[list[str], Key("page_list")]:
        """Return the pages of the trial version."""

    @post("/wxa/uploadmedia", name="uploadMediaToCodeAudit", title="上传提审素材", repeat=Repeat.SEND)
    async def upload_media(
        self,
        media: Annotated[
            UploadFile, FileLimits(MEGABYTES, (".png", ".jpg", ".jpeg", ".gif", ".mp4", ".3gp")), Key("media")
        ],
    ) -> AuditMedia:
        """Upload a picture of up to 2 MB or a video of up to 10 MB for an audit."""

    @post("/wxa/submit_audit", name="submitAudit", title="提交代码审核", repeat=Repeat.NEVER, errcodes=SUBMIT_ERRORS)
    async def submit(
        self,
        *,
        items: Annotated[
            Annotated[list[AuditItem], Field(max_length=5), Refused(85023)] | None, Key("item_list")
        ] = None,
        preview: Annotated[PreviewInfo | None, Key("preview_info")] = None,
        version_desc: str | None = None,
        feedback: Annotated[Annotated[str, Field(max_length=200)] | None, Key("feedback_info")] = None,
        feedback_media: Annotated[str | None, Key("feedback_stuff")] = None,
        ugc_declare: UgcDeclaration | None = None,
        privacy_api_not_use: bool | None = None,
        order_path: str | None = None,
    ) -> Annotated[str, Key("auditid")]:
        """Submit the trial version to an audit and return its id; the platform has a quota for each month."""

    @post(
        "/wxa/get_auditstatus",
        name="getAuditStatus",
        title="查询审核单状态",
        repeat=Repeat.READ,
        errcodes=(85012, NOT_ON_BEHALF),
    )
    async def audit(self, audit_id: AuditId) -> AuditStatus:
        """Return the status of an audit."""

    @get(
        "/wxa/get_latest_auditstatus",
        name="getLatestAuditStatus",
        title="查询最新一次审核单状态",
        repeat=Repeat.READ,
        errcodes=(85012, NOT_ON_BEHALF),
    )
    async def latest_audit(self) -> LatestAudit:
        """Return the latest audit."""

    @get("/wxa/undocodeaudit", name="undoAudit", title="撤回代码审核", repeat=Repeat.SEND, errcodes=(85012, 87013))
    async def withdraw_audit(self) -> None:
        """Withdraw the running audit; once a day, 10 times a month."""

    @post(
        "/wxa/speedupaudit",
        name="speedupCodeAudit",
        title="加急代码审核",
        repeat=Repeat.READ,
        errcodes=(89401, 89402, 89403, 89404, 89405),
    )
    async def speed_up_audit(self, audit_id: AuditId) -> None:
        """Ask for a faster audit."""

    @get("/wxa/queryquota", name="getCodeQuota", title="查询服务商审核额度", repeat=Repeat.READ)
    async def audit_quota(self) -> AuditQuota:
        """Return the number of audits that the platform has left this month."""

    @post("/wxa/release", name="release", title="发布已通过审核的小程序", repeat=Repeat.READ, errcodes=(85019, 85020))
    async def release(self) -> None:
        """Release the audited version."""

    @get(
        "/wxa/revertcoderelease",
        name="revertCodeRelease",
        title="小程序版本回退",
        repeat=Repeat.READ,
        errcodes=(87011, 87012),
        fixed={"action": "get_history_version"},
    )
    async def older_versions(self) -> Annotated[list[CodeVersion], Key("version_list")]:
        """Return the versions to which the Mini Program can go back."""

    @get(
        "/wxa/revertcoderelease",
        name="revertCodeRelease",
        title="小程序版本回退",
        repeat=Repeat.SEND,
        errcodes=(87011, 87012),
    )
    async def roll_back(self, *, app_version: Annotated[int, Field(ge=1)] | None = None) -> None:
        """Go back to an older version, by default to the one before."""

    @post(
        "/wxa/grayrelease", name="grayRelease", title="分阶段发布", repeat=Repeat.READ, errcodes=(85079, 85080, 85081)
    )
    async def release_to_part(
        self,
        percentage: Annotated[int, Field(ge=1, le=100), Key("gray_percentage")],
        *,
        developers_first: Annotated[bool, Key("support_debuger_first")] = False,
        testers_first: Annotated[bool, Key("support_experiencer_first")] = False,
    ) -> None:
        """Release the audited version to a part of the users."""

    @get(
        "/wxa/revertgrayrelease",
        name="revertGrayRelease",
        title="取消分阶段发布",
        repeat=Repeat.READ,
        errcodes=(85082,),
    )
    async def end_partial_release(self) -> None:
        """End the release to a part of the users."""

    @get("/wxa/getgrayreleaseplan", name="getGrayReleasePlan", title="获取分阶段发布详情", repeat=Repeat.READ)
    async def partial_release(self) -> Annotated[GrayRelease, Key("gray_release_plan")]:
        """Return the release to a part of the users."""

    @post(
        "/wxa/change_visitstatus",
        name="setVisitStatus",
        title="设置小程序服务状态",
        repeat=Repeat.READ,
        errcodes=(85021, 85022),
    )
    async def set_open(self, action: Annotated[Literal["open", "close"], Refused(85022)]) -> None:
        """Open or close the Mini Program for users."""

    @post("/wxa/getvisitstatus", name="getVisitStatus", title="查询小程序服务状态", repeat=Repeat.READ)
    async def visit_status(self) -> Annotated[int, Key("status")]:
        """Return whether users can open the Mini Program: 0 yes, 1 no."""

    @post("/wxa/getversioninfo", name="getVersionInfo", title="查询小程序版本信息", repeat=Repeat.READ)
    async def versions(self) -> Versions:
        """Return the trial version and the released one."""

    @get(
        "/cgi-bin/wxopen/getweappsupportversion",
        name="getSupportVersion",
        title="查询各版本用户占比",
        repeat=Repeat.READ,
    )
    async def client_versions(self) -> SupportVersions:
        """Return users by version of the base library."""

    @post(
        "/cgi-bin/wxopen/setweappsupportversion",
        name="setSupportVersion",
        title="设置最低基础库版本",
        repeat=Repeat.READ,
        errcodes=(85015,),
    )
    async def set_lowest_client_version(self, version: Annotated[str, Field(min_length=1), Refused(85015)]) -> None:
        """Set the lowest version of the base library."""
