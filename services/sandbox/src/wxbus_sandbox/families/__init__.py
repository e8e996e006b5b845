"""What WeChat keeps and decides in each family of endpoints."""

from collections.abc import Mapping
from typing import Final

from wxbus.api.declaration.endpoint import Family
from wxbus.api.endpoints.authorizers import Authorizers
from wxbus.api.endpoints.menus import Menus
from wxbus.api.endpoints.oauth import OAuth
from wxbus.api.endpoints.qr_codes import QrCodes
from wxbus.api.endpoints.sessions import Sessions
from wxbus.api.endpoints.tags import Tags
from wxbus.api.endpoints.users import Users
from wxbus.api.endpoints.wecom.kf import Kf
from wxbus_sandbox.families.authorizers import AuthorizersTwin
from wxbus_sandbox.families.kf import KfTwin
from wxbus_sandbox.families.menus import MenusTwin
from wxbus_sandbox.families.oauth import OAuthTwin
from wxbus_sandbox.families.qr_codes import QrCodesTwin
from wxbus_sandbox.families.sessions import SessionsTwin
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.families.users import TagsTwin, UsersTwin

TWINS: Final[Mapping[type[Family], type[Twin]]] = {
    Authorizers: AuthorizersTwin,
    Menus: MenusTwin,
    OAuth: OAuthTwin,
    Kf: KfTwin,
    QrCodes: QrCodesTwin,
    Tags: TagsTwin,
    Users: UsersTwin,
    Sessions: SessionsTwin,
}
"""By the family as declared."""
