"""The exports of `wxbus.wechat` besides the models of `models.csv`, which are imported individually."""

from typing import TYPE_CHECKING

from wxbus.wechat.messages.base import ComponentEvent as ComponentEvent
from wxbus.wechat.messages.base import Event as Event
from wxbus.wechat.messages.base import Message as Message
from wxbus.wechat.messages.base import PlatformEvent as PlatformEvent
from wxbus.wechat.messages.base import UserMessage as UserMessage
from wxbus.wechat.messages.unknown import UnknownComponentEvent as UnknownComponentEvent
from wxbus.wechat.messages.unknown import UnknownEvent as UnknownEvent
from wxbus.wechat.messages.unknown import UnknownMessage as UnknownMessage
from wxbus.wechat.registry import AnyMessage as AnyMessage
from wxbus.wechat.registry import model_named as model_named
from wxbus.wechat.registry import model_of as model_of
from wxbus.wechat.registry import parse_message as parse_message
from wxbus.wechat.registry import tag_of as tag_of
from wxbus.wechat.replies import reply as reply

if TYPE_CHECKING:
    from wxbus.wechat.events.account import *
    from wxbus.wechat.events.cards import *
    from wxbus.wechat.events.component import *
    from wxbus.wechat.events.content import *
    from wxbus.wechat.events.guides import *
    from wxbus.wechat.events.invoices import *
    from wxbus.wechat.events.logistics import *
    from wxbus.wechat.events.menu import *
    from wxbus.wechat.events.minigames import *
    from wxbus.wechat.events.products_scanned import *
    from wxbus.wechat.events.sending import *
    from wxbus.wechat.events.service import *
    from wxbus.wechat.events.shop_account import *
    from wxbus.wechat.events.shop_coupons import *
    from wxbus.wechat.events.shop_members import *
    from wxbus.wechat.events.shop_orders import *
    from wxbus.wechat.events.shop_products import *
    from wxbus.wechat.events.stores import *
    from wxbus.wechat.events.trade import *
    from wxbus.wechat.events.trade_aftersale import *
    from wxbus.wechat.events.trade_component import *
    from wxbus.wechat.events.trial_apps import *
    from wxbus.wechat.events.users import *
    from wxbus.wechat.events.wecom_application import *
    from wxbus.wechat.events.wecom_approvals import *
    from wxbus.wechat.events.wecom_contacts import *
    from wxbus.wechat.events.wecom_customers import *
    from wxbus.wechat.events.wecom_kf import *
    from wxbus.wechat.events.wecom_office import *
    from wxbus.wechat.events.xpay import *
    from wxbus.wechat.messages.kf import *
    from wxbus.wechat.messages.kf_events import *
    from wxbus.wechat.messages.robots import *
    from wxbus.wechat.messages.user import *
