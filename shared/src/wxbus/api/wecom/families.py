"""The families of WeCom's endpoints, as attributes of the client: `client.kf.state(open_kfid, external_userid)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxbus.api.families import family

if TYPE_CHECKING:
    from wxbus.api.endpoints.wecom.kf import Kf


class WeComFamilies:
    """All typed endpoints of WeCom, by family."""

    kf: family[Kf] = family("wxbus.api.endpoints.wecom.kf:Kf")
