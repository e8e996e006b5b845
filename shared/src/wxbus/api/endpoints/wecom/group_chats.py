"""Group chats of members that an application makes (WeCom reference 3.4)."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, Merged, get, post

Chat = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}$", examples=["group1"]), Key("chatid")]
Name = Annotated[str, Field(min_length=1, max_length=50)]
Members = Annotated[list[Id], Field(min_length=2, max_length=2000, examples=[["zhangsan", "lisi"]])]


class GroupChat(Answer):
    """A group chat."""

    chat_id: str = Field(alias="chatid")
    name: str = ""
    owner: str = ""
    members: list[str] = Field(default_factory=list, alias="userlist")


class GroupChats(Family):
    """Group chats that this application made; the application must be visible to the whole corp."""

    title = "企业微信：应用群聊"
    kinds = ("wecom",)

    @post("/cgi-bin/appchat/create", title="创建群聊会话", repeat=Repeat.SEND)
    async def create(
        self,
        members: Annotated[Members, Key("userlist")],
        *,
        name: Name | None = None,
        owner: Id | None = None,
        chat_id: Chat | None = None,
    ) -> Annotated[str, Key("chatid")]:
        """Make a group chat and return its id; members see it after the first message."""

    @post("/cgi-bin/appchat/update", title="修改群聊会话", repeat=Repeat.READ)
    async def update(
        self,
        chat_id: Chat,
        *,
        name: Name | None = None,
        owner: Id | None = None,
        add: Annotated[list[Id], Key("add_user_list")] | None = None,
        remove: Annotated[list[Id], Key("del_user_list")] | None = None,
    ) -> None:
        """Change the name, the owner or the members of a group chat."""

    @get("/cgi-bin/appchat/get", title="获取群聊会话", repeat=Repeat.READ)
    async def info(self, chat_id: Chat) -> Annotated[GroupChat, Key("chat_info")]:
        """Return a group chat."""

    @post("/cgi-bin/appchat/send", title="应用推送消息到群聊会话", repeat=Repeat.SEND)
    async def send(
        self, chat_id: Chat, message: Annotated[Mapping[str, Any], Merged()], *, safe: Flag | None = None
    ) -> None:
        """Send a message with WeCom's fields; `WeComClient.send_to_group` takes a reply."""
