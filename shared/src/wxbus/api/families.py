"""The families of endpoints, as attributes of the client: `client.qr_codes.create_temporary("scene")`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wxbus.api.declaration.endpoint import Family

if TYPE_CHECKING:
    from wxbus.api.endpoints.account_statistics import AccountStatistics
    from wxbus.api.endpoints.authorizers import Authorizers
    from wxbus.api.endpoints.card_codes import CardCodes
    from wxbus.api.endpoints.card_merchants import CardMerchants
    from wxbus.api.endpoints.card_tickets import CardTickets
    from wxbus.api.endpoints.cards import Cards
    from wxbus.api.endpoints.categories import Categories
    from wxbus.api.endpoints.city_accounts import CityAccounts
    from wxbus.api.endpoints.city_delivery import CityDelivery
    from wxbus.api.endpoints.code_releases import CodeReleases
    from wxbus.api.endpoints.code_templates import CodeTemplates
    from wxbus.api.endpoints.comments import Comments
    from wxbus.api.endpoints.content_security import ContentSecurity
    from wxbus.api.endpoints.customer_service import CustomerService
    from wxbus.api.endpoints.customer_service_accounts import CustomerServiceAccounts
    from wxbus.api.endpoints.customer_service_sessions import CustomerServiceSessions
    from wxbus.api.endpoints.device_messages import DeviceMessages
    from wxbus.api.endpoints.diagnostics import Diagnostics
    from wxbus.api.endpoints.domains import MiniProgramDomains, PlatformDomains
    from wxbus.api.endpoints.drafts import Drafts
    from wxbus.api.endpoints.dynamic_messages import DynamicMessages
    from wxbus.api.endpoints.express import Express
    from wxbus.api.endpoints.guide_buyers import GuideBuyers
    from wxbus.api.endpoints.guides import Guides
    from wxbus.api.endpoints.image_processing import ImageProcessing
    from wxbus.api.endpoints.invoice_issuing import InvoiceIssuing
    from wxbus.api.endpoints.invoice_reimbursement import InvoiceReimbursement
    from wxbus.api.endpoints.invoices import Invoices
    from wxbus.api.endpoints.js_errors import JsErrors
    from wxbus.api.endpoints.linked_accounts import LinkedAccounts
    from wxbus.api.endpoints.live_goods import LiveGoods
    from wxbus.api.endpoints.live_helpers import LiveHelpers
    from wxbus.api.endpoints.live_members import LiveMembers
    from wxbus.api.endpoints.live_rooms import LiveRooms
    from wxbus.api.endpoints.local_delivery import LocalDelivery
    from wxbus.api.endpoints.mass_messages import MassMessages
    from wxbus.api.endpoints.materials import Materials
    from wxbus.api.endpoints.member_cards import MemberCards
    from wxbus.api.endpoints.menus import Menus
    from wxbus.api.endpoints.merchants import Merchants
    from wxbus.api.endpoints.message_statistics import MessageStatistics
    from wxbus.api.endpoints.mini_program_codes import MiniProgramCodes
    from wxbus.api.endpoints.mini_program_links import MiniProgramLinks
    from wxbus.api.endpoints.mini_program_statistics import MiniProgramStatistics
    from wxbus.api.endpoints.nearby import Nearby
    from wxbus.api.endpoints.network import Network
    from wxbus.api.endpoints.oauth import OAuth
    from wxbus.api.endpoints.ocr import Ocr
    from wxbus.api.endpoints.old_articles import OldArticles
    from wxbus.api.endpoints.open_accounts import OpenAccounts
    from wxbus.api.endpoints.payment_complaints import PaymentComplaints
    from wxbus.api.endpoints.payment_funds import PaymentFunds
    from wxbus.api.endpoints.payment_goods import PaymentGoods
    from wxbus.api.endpoints.payment_subscriptions import PaymentSubscriptions
    from wxbus.api.endpoints.payment_withdrawals import PaymentWithdrawals
    from wxbus.api.endpoints.privacy import Privacy
    from wxbus.api.endpoints.profiles import Profiles
    from wxbus.api.endpoints.publication_statistics import PublicationStatistics
    from wxbus.api.endpoints.publications import Publications
    from wxbus.api.endpoints.qr_code_rules import QrCodeRules
    from wxbus.api.endpoints.qr_codes import QrCodes
    from wxbus.api.endpoints.quotas import Quotas
    from wxbus.api.endpoints.registrations import Registrations
    from wxbus.api.endpoints.returns import Returns
    from wxbus.api.endpoints.service_cards import ServiceCards
    from wxbus.api.endpoints.service_market import ServiceMarket
    from wxbus.api.endpoints.sessions import Sessions
    from wxbus.api.endpoints.shipping import Shipping
    from wxbus.api.endpoints.short_keys import ShortKeys
    from wxbus.api.endpoints.speech import Speech
    from wxbus.api.endpoints.store_mini_programs import StoreMiniPrograms
    from wxbus.api.endpoints.stores import Stores
    from wxbus.api.endpoints.subscribe_messages import SubscribeMessages
    from wxbus.api.endpoints.tags import Groups, Tags
    from wxbus.api.endpoints.template_messages import TemplateMessages
    from wxbus.api.endpoints.temporary_media import TemporaryMedia
    from wxbus.api.endpoints.testers import Plugins, Testers
    from wxbus.api.endpoints.user_storage import UserStorage
    from wxbus.api.endpoints.users import Users
    from wxbus.api.endpoints.virtual_payment import VirtualPayment
    from wxbus.api.endpoints.waybill_messages import WaybillMessages

F = TypeVar("F", bound=Family)


class family(Generic[F]):  # noqa: N801 - used like `property`
    """An attribute of a client. The module of the family is imported when the attribute is first used."""

    def __init__(self, location: str) -> None:
        """`location` is "module:class"."""
        self._location = location

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, client: Any, owner: type) -> F:
        found: F = self.load()(client)
        client.__dict__[self._name] = found
        return found

    def load(self) -> type[F]:
        """Return the class of the family."""
        module, _, name = self._location.partition(":")
        found: type[F] = getattr(import_module(module), name)
        return found


class Families:
    """All typed endpoints of Official Accounts and Mini Programs, by family."""

    account_statistics: family[AccountStatistics] = family("wxbus.api.endpoints.account_statistics:AccountStatistics")
    authorizers: family[Authorizers] = family("wxbus.api.endpoints.authorizers:Authorizers")
    card_codes: family[CardCodes] = family("wxbus.api.endpoints.card_codes:CardCodes")
    card_merchants: family[CardMerchants] = family("wxbus.api.endpoints.card_merchants:CardMerchants")
    card_tickets: family[CardTickets] = family("wxbus.api.endpoints.card_tickets:CardTickets")
    cards: family[Cards] = family("wxbus.api.endpoints.cards:Cards")
    categories: family[Categories] = family("wxbus.api.endpoints.categories:Categories")
    city_accounts: family[CityAccounts] = family("wxbus.api.endpoints.city_accounts:CityAccounts")
    city_delivery: family[CityDelivery] = family("wxbus.api.endpoints.city_delivery:CityDelivery")
    code_releases: family[CodeReleases] = family("wxbus.api.endpoints.code_releases:CodeReleases")
    code_templates: family[CodeTemplates] = family("wxbus.api.endpoints.code_templates:CodeTemplates")
    comments: family[Comments] = family("wxbus.api.endpoints.comments:Comments")
    content_security: family[ContentSecurity] = family("wxbus.api.endpoints.content_security:ContentSecurity")
    customer_service: family[CustomerService] = family("wxbus.api.endpoints.customer_service:CustomerService")
    customer_service_accounts: family[CustomerServiceAccounts] = family(
        "wxbus.api.endpoints.customer_service_accounts:CustomerServiceAccounts"
    )
    customer_service_sessions: family[CustomerServiceSessions] = family(
        "wxbus.api.endpoints.customer_service_sessions:CustomerServiceSessions"
    )
    device_messages: family[DeviceMessages] = family("wxbus.api.endpoints.device_messages:DeviceMessages")
    diagnostics: family[Diagnostics] = family("wxbus.api.endpoints.diagnostics:Diagnostics")
    drafts: family[Drafts] = family("wxbus.api.endpoints.drafts:Drafts")
    dynamic_messages: family[DynamicMessages] = family("wxbus.api.endpoints.dynamic_messages:DynamicMessages")
    express: family[Express] = family("wxbus.api.endpoints.express:Express")
    groups: family[Groups] = family("wxbus.api.endpoints.tags:Groups")
    guide_buyers: family[GuideBuyers] = family("wxbus.api.endpoints.guide_buyers:GuideBuyers")
    guides: family[Guides] = family("wxbus.api.endpoints.guides:Guides")
    image_processing: family[ImageProcessing] = family("wxbus.api.endpoints.image_processing:ImageProcessing")
    invoice_issuing: family[InvoiceIssuing] = family("wxbus.api.endpoints.invoice_issuing:InvoiceIssuing")
    invoice_reimbursement: family[InvoiceReimbursement] = family(
        "wxbus.api.endpoints.invoice_reimbursement:InvoiceReimbursement"
    )
    invoices: family[Invoices] = family("wxbus.api.endpoints.invoices:Invoices")
    js_errors: family[JsErrors] = family("wxbus.api.endpoints.js_errors:JsErrors")
    linked_accounts: family[LinkedAccounts] = family("wxbus.api.endpoints.linked_accounts:LinkedAccounts")
    live_goods: family[LiveGoods] = family("wxbus.api.endpoints.live_goods:LiveGoods")
    live_helpers: family[LiveHelpers] = family("wxbus.api.endpoints.live_helpers:LiveHelpers")
    live_members: family[LiveMembers] = family("wxbus.api.endpoints.live_members:LiveMembers")
    live_rooms: family[LiveRooms] = family("wxbus.api.endpoints.live_rooms:LiveRooms")
    local_delivery: family[LocalDelivery] = family("wxbus.api.endpoints.local_delivery:LocalDelivery")
    mass_messages: family[MassMessages] = family("wxbus.api.endpoints.mass_messages:MassMessages")
    materials: family[Materials] = family("wxbus.api.endpoints.materials:Materials")
    member_cards: family[MemberCards] = family("wxbus.api.endpoints.member_cards:MemberCards")
    menus: family[Menus] = family("wxbus.api.endpoints.menus:Menus")
    merchants: family[Merchants] = family("wxbus.api.endpoints.merchants:Merchants")
    message_statistics: family[MessageStatistics] = family("wxbus.api.endpoints.message_statistics:MessageStatistics")
    mini_program_codes: family[MiniProgramCodes] = family("wxbus.api.endpoints.mini_program_codes:MiniProgramCodes")
    mini_program_domains: family[MiniProgramDomains] = family("wxbus.api.endpoints.domains:MiniProgramDomains")
    mini_program_links: family[MiniProgramLinks] = family("wxbus.api.endpoints.mini_program_links:MiniProgramLinks")
    mini_program_statistics: family[MiniProgramStatistics] = family(
        "wxbus.api.endpoints.mini_program_statistics:MiniProgramStatistics"
    )
    nearby: family[Nearby] = family("wxbus.api.endpoints.nearby:Nearby")
    network: family[Network] = family("wxbus.api.endpoints.network:Network")
    oauth: family[OAuth] = family("wxbus.api.endpoints.oauth:OAuth")
    ocr: family[Ocr] = family("wxbus.api.endpoints.ocr:Ocr")
    old_articles: family[OldArticles] = family("wxbus.api.endpoints.old_articles:OldArticles")
    open_accounts: family[OpenAccounts] = family("wxbus.api.endpoints.open_accounts:OpenAccounts")
    payment_complaints: family[PaymentComplaints] = family("wxbus.api.endpoints.payment_complaints:PaymentComplaints")
    payment_funds: family[PaymentFunds] = family("wxbus.api.endpoints.payment_funds:PaymentFunds")
    payment_goods: family[PaymentGoods] = family("wxbus.api.endpoints.payment_goods:PaymentGoods")
    payment_subscriptions: family[PaymentSubscriptions] = family(
        "wxbus.api.endpoints.payment_subscriptions:PaymentSubscriptions"
    )
    payment_withdrawals: family[PaymentWithdrawals] = family(
        "wxbus.api.endpoints.payment_withdrawals:PaymentWithdrawals"
    )
    platform_domains: family[PlatformDomains] = family("wxbus.api.endpoints.domains:PlatformDomains")
    plugins: family[Plugins] = family("wxbus.api.endpoints.testers:Plugins")
    privacy: family[Privacy] = family("wxbus.api.endpoints.privacy:Privacy")
    profiles: family[Profiles] = family("wxbus.api.endpoints.profiles:Profiles")
    publication_statistics: family[PublicationStatistics] = family(
        "wxbus.api.endpoints.publication_statistics:PublicationStatistics"
    )
    publications: family[Publications] = family("wxbus.api.endpoints.publications:Publications")
    qr_code_rules: family[QrCodeRules] = family("wxbus.api.endpoints.qr_code_rules:QrCodeRules")
    qr_codes: family[QrCodes] = family("wxbus.api.endpoints.qr_codes:QrCodes")
    quotas: family[Quotas] = family("wxbus.api.endpoints.quotas:Quotas")
    registrations: family[Registrations] = family("wxbus.api.endpoints.registrations:Registrations")
    returns: family[Returns] = family("wxbus.api.endpoints.returns:Returns")
    service_cards: family[ServiceCards] = family("wxbus.api.endpoints.service_cards:ServiceCards")
    service_market: family[ServiceMarket] = family("wxbus.api.endpoints.service_market:ServiceMarket")
    sessions: family[Sessions] = family("wxbus.api.endpoints.sessions:Sessions")
    shipping: family[Shipping] = family("wxbus.api.endpoints.shipping:Shipping")
    short_keys: family[ShortKeys] = family("wxbus.api.endpoints.short_keys:ShortKeys")
    speech: family[Speech] = family("wxbus.api.endpoints.speech:Speech")
    store_mini_programs: family[StoreMiniPrograms] = family("wxbus.api.endpoints.store_mini_programs:StoreMiniPrograms")
    stores: family[Stores] = family("wxbus.api.endpoints.stores:Stores")
    subscribe_messages: family[SubscribeMessages] = family("wxbus.api.endpoints.subscribe_messages:SubscribeMessages")
    tags: family[Tags] = family("wxbus.api.endpoints.tags:Tags")
    template_messages: family[TemplateMessages] = family("wxbus.api.endpoints.template_messages:TemplateMessages")
    temporary_media: family[TemporaryMedia] = family("wxbus.api.endpoints.temporary_media:TemporaryMedia")
    testers: family[Testers] = family("wxbus.api.endpoints.testers:Testers")
    user_storage: family[UserStorage] = family("wxbus.api.endpoints.user_storage:UserStorage")
    users: family[Users] = family("wxbus.api.endpoints.users:Users")
    virtual_payment: family[VirtualPayment] = family("wxbus.api.endpoints.virtual_payment:VirtualPayment")
    waybill_messages: family[WaybillMessages] = family("wxbus.api.endpoints.waybill_messages:WaybillMessages")


def all_families(owner: type = Families) -> dict[str, type[Family]]:
    """Return the families of a client's class, by the name of their attribute."""
    return {name: member.load() for name, member in vars(owner).items() if isinstance(member, family)}
