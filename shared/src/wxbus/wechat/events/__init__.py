"""All events, one module per family (protocol reference 6).

A class declares an event completely: the default of `event` is WeChat's name, the other fields are the event's members.
A class without this default is a base class. `wxbus.wechat.registry` finds all classes of these modules.
"""

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
