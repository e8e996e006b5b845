"""Messages of applications, after they were sent (WeCom reference 3.3). `WeComClient.send_message` sends them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, get, post

Users = Annotated[list[Id], Field(max_length=1000), Key("userids")]
Numbers = Annotated[list[int], Field(max_length=100)]


class UpdatedCard(Answer):
    """The users whom the update of a card did not reach."""

    invalid_users: list[str] = Field(default_factory=list, alias="invaliduser")


class ApplicationCount(Answer):
    """The number of messages that an application sent on a day."""

    app_name: str = ""
    agent_id: int = Field(alias="agentid")
    count: int = 0


class AgentInfo(Answer):
    """An application."""

    agent_id: int = Field(alias="agentid")
    name: str = ""
    square_logo_url: str = ""
    description: str = ""
    allow_userinfos: dict[str, Any] = Field(default_factory=dict)
    allow_partys: dict[str, Any] = Field(default_factory=dict)
    allow_tags: dict[str, Any] = Field(default_factory=dict)
    close: bool = False
    redirect_domain: str = ""
    home_url: str = ""


class Applications(Family):
    """An application, and its messages after they were sent."""

    title = "企业微信：应用"
    kinds = ("wecom",)

    @post("/cgi-bin/message/recall", title="撤回应用消息", repeat=Repeat.READ)
    async def recall(self, message_id: Annotated[Id, Key("msgid")]) -> None:
        """Recall a message within 24 hours, for all of its receivers."""

    @post("/cgi-bin/message/update_template_card", title="更新模板卡片消息", repeat=Repeat.SEND)
    async def update_card(
        self,
        agent_id: Annotated[int, Key("agentid")],
        response_code: Id,
        *,
        card: Annotated[Mapping[str, Any], Key("template_card")] | None = None,
        button_text: Annotated[str, Field(min_length=1), Key("button.replace_name")] | None = None,
        users: Users | None = None,
        parties: Annotated[Numbers, Key("partyids")] | None = None,
        tags: Annotated[Numbers, Key("tagids")] | None = None,
        everyone: Annotated[Flag, Key("atall")] | None = None,
    ) -> UpdatedCard:
        """Replace a card by another one, or its buttons by a text; each code is valid once, for 72 hours.

        The code is in the answer to the message, and in the events of the card.
        """

    @post("/cgi-bin/message/get_statistics", title="查询应用消息发送统计", repeat=Repeat.READ)
    async def statistics(
        self, *, day: Annotated[Literal[0, 1], Key("time_type")] = 0
    ) -> Annotated[list[ApplicationCount], Key("statistics")]:
        """Return the number of messages that each application sent today (0) or yesterday (1)."""

    @get("/cgi-bin/agent/get", title="获取指定的应用详情", repeat=Repeat.READ)
    async def info(self, agent_id: Annotated[int, Key("agentid")]) -> AgentInfo:
        """Return the name and the visible range of an application."""

    @get("/cgi-bin/getcallbackip", title="获取企业微信回调IP段", repeat=Repeat.READ)
    async def callback_addresses(self) -> Annotated[list[str], Key("ip_list")]:
        """Return the addresses that pushes come from; parts may be a `*`."""

    @get("/cgi-bin/get_api_domain_ip", title="获取企业微信接口IP段", repeat=Repeat.READ)
    async def api_addresses(self) -> Annotated[list[str], Key("ip_list")]:
        """Return the addresses of WeCom's API."""
