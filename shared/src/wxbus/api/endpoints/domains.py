"""The domains that a Mini Program may use, set by a third-party platform."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Key,
    Part,
    get,
    post,
)

Domains: TypeAlias = list[str]


class ServerDomains(Answer):
    """The domains of requests, sockets, uploads, downloads, UDP and TCP."""

    requestdomain: tuple[str, ...] = ()
    wsrequestdomain: tuple[str, ...] = ()
    uploaddomain: tuple[str, ...] = ()
    downloaddomain: tuple[str, ...] = ()
    udpdomain: tuple[str, ...] = ()
    tcpdomain: tuple[str, ...] = ()


class EffectiveDomains(Answer):
    """The domains, grouped by how they were set."""

    mp_domain: ServerDomains = ServerDomains()
    third_domain: ServerDomains = ServerDomains()
    direct_domain: ServerDomains = ServerDomains()
    effective_domain: ServerDomains = ServerDomains()


class EffectivePages(Answer):
    """The domains of web pages, grouped by how they were set."""

    mp_webviewdomain: tuple[str, ...] = ()
    third_webviewdomain: tuple[str, ...] = ()
    direct_webviewdomain: tuple[str, ...] = ()
    effective_webviewdomain: tuple[str, ...] = ()


class ConfirmFile(Answer):
    """A file that proves that a domain is yours."""

    file_name: str
    file_content: str


class PrefetchDomain(Part):
    """A domain to resolve in advance."""

    url: str


class PrefetchState(Answer):
    """A domain that is resolved in advance."""

    url: str
    status: int = 0


class PlatformServerDomains(Answer):
    """The domains of the platform, separated by ;."""

    published: str = Field(default="", alias="published_wxa_server_domain")
    testing: str = Field(default="", alias="testing_wxa_server_domain")
    invalid: str = Field(default="", alias="invalid_wxa_server_domain")


class PlatformPageDomains(Answer):
    """The domains of web pages of the platform, separated by ;."""

    published: str = Field(default="", alias="published_wxa_jump_h5_domain")
    testing: str = Field(default="", alias="testing_wxa_jump_h5_domain")
    invalid: str = Field(default="", alias="invalid_wxa_jump_h5_domain")


Action: TypeAlias = Literal["add", "delete", "set", "get"]


class MiniProgramDomains(Family):
    """The domains that a Mini Program may use."""

    title = "小程序域名"
    kinds = ("mini_program",)

    @post(
        "/wxa/modify_domain",
        name="modifyServerDomain",
        title="配置小程序服务器域名",
        repeat=Repeat.READ,
        errcodes=(85015, 85016, 85017, 85018),
    )
    async def change_servers(
        self,
        action: Action,
        *,
        requestdomain: Domains | None = None,
        wsrequestdomain: Domains | None = None,
        uploaddomain: Domains | None = None,
        downloaddomain: Domains | None = None,
        udpdomain: Domains | None = None,
        tcpdomain: Domains | None = None,
    ) -> ServerDomains:
        """Change or return the domains, which must be among those of the platform."""

    @post(
        "/wxa/modify_domain_directly",
        name="modifyServerDomainDirectly",
        title="快速配置小程序服务器域名",
        repeat=Repeat.READ,
        errcodes=(85015, 85016),
    )
    async def change_servers_directly(
        self,
        action: Action,
        *,
        requestdomain: Domains | None = None,
        wsrequestdomain: Domains | None = None,
        uploaddomain: Domains | None = None,
        downloaddomain: Domains | None = None,
        udpdomain: Domains | None = None,
        tcpdomain: Domains | None = None,
    ) -> ServerDomains:
        """Change or return the domains, which need not be among those of the platform."""

    @post(
        "/wxa/setwebviewdomain",
        name="modifyJumpDomain",
        title="配置小程序业务域名",
        repeat=Repeat.READ,
        errcodes=(89019, 89020, 89021, 89029, 89231),
    )
    async def change_pages(
        self, action: Action, *, domains: Annotated[Domains | None, Key("webviewdomain")] = None
    ) -> Annotated[list[str], Key("webviewdomain")]:
        """Change or return the domains of web pages, which must be among those of the platform."""

    @post(
        "/wxa/setwebviewdomain_directly",
        name="modifyJumpDomainDirectly",
        title="快速配置小程序业务域名",
        repeat=Repeat.READ,
        errcodes=(89019, 89029, 89231),
    )
    async def change_pages_directly(
        self, action: Action, *, domains: Annotated[Domains | None, Key("webviewdomain")] = None
    ) -> Annotated[list[str], Key("webviewdomain")]:
        """Change or return the domains of web pages, which need not be among those of the platform."""

    @post(
        "/wxa/get_webviewdomain_confirmfile",
        name="getJumpDomainConfirmFile",
        title="获取业务域名校验文件",
        repeat=Repeat.READ,
    )
    async def confirm_file(self) -> ConfirmFile:
        """Return the file that proves that a domain is yours."""

    @post(
        "/wxa/get_effective_domain",
        name="getEffectiveServerDomain",
        title="获取发布后生效服务器域名列表",
        repeat=Repeat.READ,
    )
    async def effective_servers(self) -> EffectiveDomains:
        """Return the domains that are in use."""

    @post(
        "/wxa/get_effective_webviewdomain",
        name="getEffectiveJumpDomain",
        title="获取发布后生效业务域名列表",
        repeat=Repeat.READ,
    )
    async def effective_pages(self) -> EffectivePages:
        """Return the domains of web pages that are in use."""

    @post("/wxa/set_prefetchdnsdomain", name="setPrefetchDomain", title="设置DNS预解析域名", repeat=Repeat.READ)
    async def set_prefetched(
        self, domains: Annotated[list[PrefetchDomain], Field(max_length=5), Key("prefetch_dns_domain")]
    ) -> None:
        """Set up to 5 domains to resolve in advance."""

    @get("/wxa/get_prefetchdnsdomain", name="getPrefetchDomain", title="获取DNS预解析域名", repeat=Repeat.READ)
    async def prefetched(self) -> Annotated[list[PrefetchState], Key("prefetch_dns_domain")]:
        """Return the domains that are resolved in advance."""


class PlatformDomains(Family):
    """The domains of a third-party platform; called with the platform's own token."""

    title = "第三方平台域名"
    kinds = ("component",)

    @post(
        "/cgi-bin/component/modify_wxa_server_domain",
        name="modifyThirdpartyServerDomain",
        title="设置第三方平台服务器域名",
        repeat=Repeat.READ,
        errcodes=(85057,),
    )
    async def change_servers(
        self,
        action: Action,
        *,
        domains: Annotated[str | None, Key("wxa_server_domain")] = None,
        publish: Annotated[bool, Key("is_modify_published_together")] = False,
    ) -> PlatformServerDomains:
        """Change or return the domains, separated by `;`, up to 50 times a month."""

    @post(
        "/cgi-bin/component/modify_wxa_jump_domain",
        name="modifyThirdpartyJumpDomain",
        title="设置第三方平台业务域名",
        repeat=Repeat.READ,
        errcodes=(85057,),
    )
    async def change_pages(
        self,
        action: Action,
        *,
        domains: Annotated[str | None, Key("wxa_jump_h5_domain")] = None,
        publish: Annotated[bool, Key("is_modify_published_together")] = False,
    ) -> PlatformPageDomains:
        """Change or return the domains of web pages, separated by `;`, up to 50 times a month."""

    @post(
        "/cgi-bin/component/get_domain_confirmfile",
        name="getThirdpartyJumpDomainConfirmFile",
        title="获取第三方平台业务域名校验文件",
        repeat=Repeat.READ,
    )
    async def confirm_file(self) -> ConfirmFile:
        """Return the file that proves that a domain is yours."""
