"""The families of WeCom's endpoints, as attributes of the client: `client.kf.state(open_kfid, external_userid)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxbus.api.families import family

if TYPE_CHECKING:
    from wxbus.api.endpoints.wecom.applications import Applications
    from wxbus.api.endpoints.wecom.contacts import Departments, Members, MemberTags
    from wxbus.api.endpoints.wecom.group_chats import GroupChats
    from wxbus.api.endpoints.wecom.kf import Kf
    from wxbus.api.endpoints.wecom.media import CorpMedia
    from wxbus.api.endpoints.wecom.web_users import WebUsers


class WeComFamilies:
    """All typed endpoints of WeCom, by family."""

    applications: family[Applications] = family("wxbus.api.endpoints.wecom.applications:Applications")
    group_chats: family[GroupChats] = family("wxbus.api.endpoints.wecom.group_chats:GroupChats")
    members: family[Members] = family("wxbus.api.endpoints.wecom.contacts:Members")
    departments: family[Departments] = family("wxbus.api.endpoints.wecom.contacts:Departments")
    member_tags: family[MemberTags] = family("wxbus.api.endpoints.wecom.contacts:MemberTags")
    corp_media: family[CorpMedia] = family("wxbus.api.endpoints.wecom.media:CorpMedia")
    web_users: family[WebUsers] = family("wxbus.api.endpoints.wecom.web_users:WebUsers")
    kf: family[Kf] = family("wxbus.api.endpoints.wecom.kf:Kf")
