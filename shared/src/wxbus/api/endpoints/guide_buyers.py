"""The customers of guides, and messages to them. A guide is named by account or openid."""

from typing import Annotated, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    Id,
    Key,
    NumberId,
    Timestamp,
    post,
)
from wxbus.api.endpoints.guide_content import (
    Buyer,
    BuyerPage,
    BuyerResult,
    JobMaterial,
    JobPage,
    NewBuyer,
    NewJob,
    PageNumber,
    PageSize,
)

OpenIds: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=200), Key("openid_list")]
Results: TypeAlias = Annotated[list[BuyerResult], Key("buyer_resp")]


class GuideBuyers(Family):
    """The customers of guides."""

    title = "导购客户"
    kinds = ("official_account",)

    @post(
        "/cgi-bin/guide/addguidebuyerrelation", name="addGuideBuyerRelation", title="为顾问分配客户", repeat=Repeat.READ
    )
    async def assign(
        self,
        buyers: Annotated[list[NewBuyer], Field(min_length=1, max_length=200), Key("buyer_list")],
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
    ) -> Results:
        """Assign up to 200 customers to a guide."""

    @post(
        "/cgi-bin/guide/delguidebuyerrelation", name="delGuideBuyerRelation", title="为顾问移除客户", repeat=Repeat.READ
    )
    async def remove(
        self, openids: OpenIds, *, guide_account: Id | None = None, guide_openid: Id | None = None
    ) -> Results:
        """Remove up to 200 customers from a guide."""

    @post(
        "/cgi-bin/guide/getguidebuyerrelationlist",
        name="getGuideBuyerRelationList",
        title="获取顾问的客户列表",
        repeat=Repeat.READ,
    )
    async def page(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        page: PageNumber = 0,
        count: PageSize = 50,
    ) -> BuyerPage:
        """Return up to 100 customers of a guide."""

    @post(
        "/cgi-bin/guide/rebindguideacctforbuyer",
        name="rebindGuideAcctForBuyer",
        title="为客户更换顾问",
        repeat=Repeat.READ,
    )
    async def move(
        self,
        openids: OpenIds,
        *,
        old_guide_account: Id | None = None,
        old_guide_openid: Id | None = None,
        new_guide_account: Id | None = None,
        new_guide_openid: Id | None = None,
    ) -> Results:
        """Assign up to 200 customers to another guide."""

    @post(
        "/cgi-bin/guide/getguidebuyerrelationbybuyer",
        name="getGuideBuyerRelationByBuyer",
        title="查询客户所属顾问",
        repeat=Repeat.READ,
    )
    async def find(self, openid: Id) -> Buyer:
        """Return the guide of a customer."""

    @post("/cgi-bin/guide/addguidebuyertag", name="addGuideBuyerTag", title="为客户设置标签", repeat=Repeat.READ)
    async def tag(
        self,
        openids: OpenIds,
        value: Annotated[str, Field(min_length=1), Key("tag_value")],
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
    ) -> Results:
        """Add a tag to up to 200 customers."""

    @post("/cgi-bin/guide/getguidebuyertag", name="getGuideBuyerTag", title="查询客户标签", repeat=Repeat.READ)
    async def tags(
        self, openid: Id, *, guide_account: Id | None = None, guide_openid: Id | None = None
    ) -> Annotated[list[str], Key("tag_values")]:
        """Return the tags of a customer."""

    @post("/cgi-bin/guide/addguidemassendjob", name="addGuideMassendJob", title="添加群发任务", repeat=Repeat.SEND)
    async def send(
        self,
        name: Annotated[str, Field(min_length=1), Key("task_name")],
        push_time: Timestamp,
        openids: Annotated[list[str], Field(min_length=1), Key("openid")],
        material: Annotated[list[JobMaterial], Field(min_length=1, max_length=3)],
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        remark: Annotated[str | None, Key("task_remark")] = None,
    ) -> Annotated[list[NewJob], Key("task_result")]:
        """Ask guides to send up to three messages to customers at a time."""

    @post(
        "/cgi-bin/guide/getguidemassendjoblist",
        name="getGuideMassendJobList",
        title="获取群发任务列表",
        repeat=Repeat.READ,
    )
    async def jobs(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        states: Annotated[list[int] | None, Key("task_status")] = None,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=50)] = 50,
    ) -> JobPage:
        """Return up to 50 jobs."""

    @post(
        "/cgi-bin/guide/cancelguidemassendjob", name="cancelGuideMassendJob", title="取消群发任务", repeat=Repeat.READ
    )
    async def cancel(self, task_id: NumberId) -> None:
        """Cancel a job that has not begun."""
