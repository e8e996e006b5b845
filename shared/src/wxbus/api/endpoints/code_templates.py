"""The code of a third-party platform that its accounts publish."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Key,
    NumberId,
    Refused,
    Timestamp,
    get,
    post,
)

UNKNOWN_TEMPLATE: Final = 85064


class CodeDraft(Answer):
    """Code that was uploaded to the platform."""

    draft_id: str
    user_version: str = ""
    user_desc: str = ""
    create_time: Timestamp | None = None


class CodeTemplate(Answer):
    """Code that accounts can publish."""

    template_id: str
    template_type: int = 0
    """0 normal, 1 standard."""
    draft_id: str = ""
    user_version: str = ""
    user_desc: str = ""
    source_miniprogram: str = ""
    source_miniprogram_appid: str = ""
    audit_status: int | None = None
    reason: str = ""
    create_time: Timestamp | None = None


class CodeTemplates(Family):
    """The code of a platform; called with the platform's own token."""

    title = "代码模板"
    kinds = ("component",)

    @get(
        "/wxa/gettemplatedraftlist",
        name="getTemplatedRaftList",
        title="获取草稿箱列表",
        repeat=Repeat.READ,
        errcodes=(85064,),
    )
    async def drafts(self) -> Annotated[list[CodeDraft], Key("draft_list")]:
        """Return the uploaded code."""

    @post(
        "/wxa/addtotemplate",
        name="addToTemplate",
        title="将草稿添加到模板库",
        repeat=Repeat.SEND,
        errcodes=(85064, 85065),
    )
    async def add(
        self, draft_id: Annotated[NumberId, Refused(UNKNOWN_TEMPLATE)], *, template_type: Literal[0, 1] = 0
    ) -> None:
        """Make a template of uploaded code."""

    @get("/wxa/gettemplatelist", name="getTemplateList", title="获取模板列表", repeat=Repeat.READ, errcodes=(85064,))
    async def all(
        self, *, template_type: Annotated[int, Field(ge=0, le=1)] | None = None
    ) -> Annotated[list[CodeTemplate], Key("template_list")]:
        """Return the templates."""

    @post("/wxa/deletetemplate", name="deleteTemplate", title="删除代码模板", repeat=Repeat.READ, errcodes=(85064,))
    async def delete(self, template_id: Annotated[NumberId, Refused(UNKNOWN_TEMPLATE)]) -> None:
        """Delete a template."""
