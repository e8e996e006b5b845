"""The addresses of WeChat, and a check of the connection from WeChat to this server."""

from typing import Annotated, Literal

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, Refused, get, post


class Resolved(Answer):
    """An address to which the host name of the callback address resolves."""

    ip: str
    real_operator: str = ""


class Ping(Answer):
    """The result of a ping."""

    ip: str
    from_operator: str = ""
    package_loss: str = ""
    """In percent: "0%"."""
    time: str = ""
    """In milliseconds: "23.079ms"."""


class CallbackCheck(Answer):
    """The result of a check of the callback address."""

    dns: tuple[Resolved, ...] = ()
    ping: tuple[Ping, ...] = ()


class Network(Family):
    """The addresses of WeChat, and a check of the connection from WeChat to this server."""

    title = "微信服务器地址与网络检测"
    kinds = ("official_account", "mini_program", "component")

    @get("/cgi-bin/getcallbackip", name="getCallbackIp", title="获取微信推送服务器IP", repeat=Repeat.READ)
    async def callback_addresses(self) -> Annotated[list[str], Key("ip_list")]:
        """Return the IP addresses and networks that callbacks come from; they change, so ask daily."""

    @get("/cgi-bin/get_api_domain_ip", name="getApiDomainIp", title="获取微信API服务器IP", repeat=Repeat.READ)
    async def api_addresses(self) -> Annotated[list[str], Key("ip_list")]:
        """Return the IP addresses and networks of WeChat's API; they change, so ask daily."""

    @post(
        "/cgi-bin/callback/check",
        name="callbackCheck",
        title="网络通信检测",
        repeat=Repeat.READ,
        errcodes=(40201, 40202, 40203),
    )
    async def check_callback(
        self,
        action: Annotated[Literal["dns", "ping", "all"], Refused(40202)] = "all",
        *,
        operator: Annotated[
            Literal["DEFAULT", "CHINANET", "UNICOM", "CAP"], Key("check_operator"), Refused(40203)
        ] = "DEFAULT",
    ) -> CallbackCheck:
        """Let WeChat resolve and ping the callback address, from the network of an operator."""
