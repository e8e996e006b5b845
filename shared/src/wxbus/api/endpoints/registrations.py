"""New Mini Programs, registered by a third-party platform."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Part,
    Refused,
    Secret,
    post,
)

COMPANY_ERRORS: Final = (61070, 86004, 89247, 89248, 89249, 89250, 89251, 89252)


class PersonTask(Answer):
    """A registration for a person."""

    taskid: str
    status: int = 0
    """0 waits for the person ..."""
    authorize_url: str = ""


class BetaTask(Answer):
    """A registration of a trial."""

    unique_id: str
    authorize_url: str = ""


class Company(Part):
    """A company, its legal person and the phone number of the platform."""

    enterprise_name: str
    code: str
    """Its number in the register."""
    code_type: Literal[1, 2, 3]
    """1 unified (18 digits), 2 organisation (9 characters), 3 business licence (15 digits)."""
    legal_persona_name: str
    legal_persona_wechat: str
    legal_persona_idcard: str
    component_phone: str


class RegisteredMiniProgram(Answer):
    """A registered Mini Program."""

    appid: str
    authorization_code: Secret
    """For the token service: `ComponentClient.authorize`."""
    is_wx_verify_succ: str = ""
    is_link_succ: str = ""


class Registrations(Family):
    """New Mini Programs; called with the platform's own token. Results are `FastRegisterEvent`s."""

    title = "注册小程序"
    kinds = ("component",)

    @post(
        "/cgi-bin/component/fastregisterweapp",
        name="registerMiniprogram",
        title="快速注册企业小程序",
        repeat=Repeat.NEVER,
        errcodes=COMPANY_ERRORS,
        fixed_query={"action": "create"},
    )
    async def company(
        self,
        name: Annotated[str, Field(min_length=1)],
        code: Annotated[str, Field(min_length=1), Refused(89248)],
        code_type: Literal[1, 2, 3],
        legal_persona_wechat: Annotated[str, Field(min_length=1), Refused(86004)],
        legal_persona_name: Annotated[str, Field(min_length=1)],
        *,
        component_phone: str | None = None,
    ) -> None:
        """Register a Mini Program for a company; its legal person is asked in WeChat."""

    @post(
        "/cgi-bin/component/fastregisterweapp",
        name="registerMiniprogram",
        title="快速注册企业小程序",
        repeat=Repeat.READ,
        errcodes=COMPANY_ERRORS,
        fixed_query={"action": "search"},
    )
    async def company_state(
        self,
        name: Annotated[str, Field(min_length=1)],
        legal_persona_wechat: Annotated[str, Field(min_length=1), Refused(86004)],
        legal_persona_name: Annotated[str, Field(min_length=1)],
    ) -> None:
        """Check that a registration is done; an error gives its status."""

    @post(
        "/wxa/component/fastregisterpersonalweapp",
        name="fastRegisterPersonal",
        title="快速注册个人小程序",
        repeat=Repeat.NEVER,
        errcodes=(61070, 89250),
        fixed_query={"action": "create"},
    )
    async def person(
        self,
        id_name: Annotated[str, Field(min_length=1), Key("idname")],
        wechat_id: Annotated[str, Field(min_length=1), Key("wxuser")],
        *,
        component_phone: str | None = None,
    ) -> PersonTask:
        """Register a Mini Program for a person, who confirms it on a page."""

    @post(
        "/wxa/component/fastregisterpersonalweapp",
        name="fastRegisterPersonal",
        title="快速注册个人小程序",
        repeat=Repeat.READ,
        errcodes=(89250,),
        fixed_query={"action": "query"},
    )
    async def person_state(self, task_id: Annotated[Id, Key("taskid")]) -> PersonTask:
        """Return the status of a registration for a person."""

    @post(
        "/wxa/component/fastregisterbetaweapp",
        name="fastRegisterBeta",
        title="注册试用小程序",
        repeat=Repeat.NEVER,
        errcodes=(61004,),
    )
    async def trial(self, name: Annotated[str, Field(min_length=1)], openid: Id) -> BetaTask:
        """Register a trial, which lives for 14 days."""

    @post(
        "/wxa/verifybetaweapp",
        name="verifyBetaWeapp",
        title="试用小程序快速认证",
        repeat=Repeat.NEVER,
        kinds=("mini_program",),
    )
    async def verify_trial(self, company: Annotated[Company, Key("verify_info")]) -> None:
        """Turn a trial into a company's Mini Program."""

    @post(
        "/wxa/setbetaweappnickname",
        name="setBetaWeappNickname",
        title="修改试用小程序名称",
        repeat=Repeat.READ,
        kinds=("mini_program",),
    )
    async def rename_trial(self, name: Annotated[str, Field(min_length=1)]) -> None:
        """Rename a trial."""

    @post(
        "/cgi-bin/account/fastregister",
        name="registerMiniprogramByOffiaccount",
        title="复用公众号主体快速注册小程序",
        repeat=Repeat.NEVER,
        errcodes=(61065, 61066),
        kinds=("official_account",),
    )
    async def from_official_account(self, ticket: Annotated[str, Field(min_length=1)]) -> RegisteredMiniProgram:
        """Register a Mini Program for the owner of an Official Account; the ticket is from the page of consent."""

    @post(
        "/cgi-bin/account/componentrebindadmin",
        name="componentRebindAdmin",
        title="小程序管理员换绑",
        repeat=Repeat.NEVER,
        errcodes=(61026,),
        kinds=("mini_program",),
    )
    async def change_administrator(self, task_id: Annotated[Id, Key("taskid")]) -> None:
        """Change the administrator of a Mini Program; the task is from the page of consent."""
