"""The simulated families of endpoints, with WeChat's state and rules."""

from collections.abc import Mapping
from typing import Final

from wxbus.api.declaration.endpoint import Family
from wxbus.api.endpoints.authorizers import Authorizers
from wxbus.api.endpoints.code_releases import CodeReleases
from wxbus.api.endpoints.comments import Comments
from wxbus.api.endpoints.content_security import ContentSecurity
from wxbus.api.endpoints.customer_service_accounts import CustomerServiceAccounts
from wxbus.api.endpoints.customer_service_sessions import CustomerServiceSessions
from wxbus.api.endpoints.drafts import Drafts
from wxbus.api.endpoints.express import Express
from wxbus.api.endpoints.mass_messages import MassMessages
from wxbus.api.endpoints.materials import Materials
from wxbus.api.endpoints.menus import Menus
from wxbus.api.endpoints.merchants import Merchants
from wxbus.api.endpoints.mini_program_links import MiniProgramLinks
from wxbus.api.endpoints.network import Network
from wxbus.api.endpoints.oauth import OAuth
from wxbus.api.endpoints.open_accounts import OpenAccounts
from wxbus.api.endpoints.profiles import Profiles
from wxbus.api.endpoints.publications import Publications
from wxbus.api.endpoints.qr_code_rules import QrCodeRules
from wxbus.api.endpoints.qr_codes import QrCodes
from wxbus.api.endpoints.quotas import Quotas
from wxbus.api.endpoints.registrations import Registrations
from wxbus.api.endpoints.sessions import Sessions
from wxbus.api.endpoints.short_keys import ShortKeys
from wxbus.api.endpoints.subscribe_messages import SubscribeMessages
from wxbus.api.endpoints.tags import Tags
from wxbus.api.endpoints.template_messages import TemplateMessages
from wxbus.api.endpoints.users import Users
from wxbus.api.endpoints.wecom.kf import Kf
from wxbus_sandbox.families.authorizers import AuthorizersTwin
from wxbus_sandbox.families.code_releases import CodeReleasesTwin
from wxbus_sandbox.families.comments import CommentsTwin
from wxbus_sandbox.families.content_security import ContentSecurityTwin
from wxbus_sandbox.families.customer_service import CustomerServiceAccountsTwin, CustomerServiceSessionsTwin
from wxbus_sandbox.families.drafts import DraftsTwin, PublicationsTwin
from wxbus_sandbox.families.express import ExpressTwin
from wxbus_sandbox.families.kf import KfTwin
from wxbus_sandbox.families.mass_messages import MassMessagesTwin
from wxbus_sandbox.families.materials import MaterialsTwin
from wxbus_sandbox.families.menus import MenusTwin
from wxbus_sandbox.families.merchants import MerchantsTwin
from wxbus_sandbox.families.mini_program_links import MiniProgramLinksTwin
from wxbus_sandbox.families.oauth import OAuthTwin
from wxbus_sandbox.families.open_accounts import OpenAccountsTwin
from wxbus_sandbox.families.profiles import ProfilesTwin
from wxbus_sandbox.families.qr_code_rules import QrCodeRulesTwin
from wxbus_sandbox.families.qr_codes import QrCodesTwin
from wxbus_sandbox.families.quotas import NetworkTwin, QuotasTwin
from wxbus_sandbox.families.registrations import RegistrationsTwin
from wxbus_sandbox.families.sessions import SessionsTwin
from wxbus_sandbox.families.short_keys import ShortKeysTwin
from wxbus_sandbox.families.template_messages import SubscribeMessagesTwin, TemplateMessagesTwin
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.families.users import TagsTwin, UsersTwin

TWINS: Final[Mapping[type[Family], type[Twin]]] = {
    Authorizers: AuthorizersTwin,
    CodeReleases: CodeReleasesTwin,
    Comments: CommentsTwin,
    ContentSecurity: ContentSecurityTwin,
    CustomerServiceAccounts: CustomerServiceAccountsTwin,
    CustomerServiceSessions: CustomerServiceSessionsTwin,
    Drafts: DraftsTwin,
    Express: ExpressTwin,
    Kf: KfTwin,
    MassMessages: MassMessagesTwin,
    Materials: MaterialsTwin,
    Menus: MenusTwin,
    Merchants: MerchantsTwin,
    MiniProgramLinks: MiniProgramLinksTwin,
    Network: NetworkTwin,
    OAuth: OAuthTwin,
    OpenAccounts: OpenAccountsTwin,
    Profiles: ProfilesTwin,
    Publications: PublicationsTwin,
    QrCodeRules: QrCodeRulesTwin,
    QrCodes: QrCodesTwin,
    Quotas: QuotasTwin,
    Registrations: RegistrationsTwin,
    Sessions: SessionsTwin,
    ShortKeys: ShortKeysTwin,
    SubscribeMessages: SubscribeMessagesTwin,
    Tags: TagsTwin,
    TemplateMessages: TemplateMessagesTwin,
    Users: UsersTwin,
}
"""By declared family."""
