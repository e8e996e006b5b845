"""Deliveries in mini games: gifts, goods and coins.

WeChat retries them for hours until the response has `ErrCode` 0: deliver once per order. `from_user` is an id of
WeChat; the player is in `open_id`.
"""

import json

from pydantic import Field

from wxbus.wechat.events.xpay import CoinInfo, GoodsInfo, WeChatPayInfo
from wxbus.wechat.messages.base import Event, Int, Many, Maybe, Part


class Gift(Part):
    """An item type in a gift."""

    id: str = ""
    num: Int = None


class MiniGameGift(Part):
    """A gift from the gift centre."""

    order_id: str = ""
    is_preview: Int = None
    """1: a test from the console."""
    to_user_openid: str = ""
    """Of the player."""
    zone: Int = None
    """1001 iOS, 2001 Android and computers."""
    gift_type_id: Int = None
    gift_id: str = ""
    send_time: Int = None
    """Seconds since the epoch."""
    goods_list: Many[Gift] = ()


class MiniGameGiftEvent(Event):
    """A player claimed a gift: deliver it."""

    event: str = "minigame_deliver_goods"
    mini_game: Maybe[MiniGameGift] = None

    @property
    def open_id(self) -> str:
        """Return the player's openid, "" if the push has none."""
        return self.mini_game.to_user_openid if self.mini_game else ""


class MiniGameGoods(GoodsInfo):
    """The purchased goods; prices in fen."""

    zone_id: str = ""
    order_source: Int = None
    """1 in the game, 2 in the web store, 3 a test of the web store."""


class MiniGameCoins(CoinInfo):
    """The purchased coins; prices in fen."""

    zone_id: str = ""
    total_price: Int = None
    buy_quantity: Int = None


class MiniGameOrder(Part):
    """A paid order."""

    open_id: str = ""
    """Of the player."""
    env: Int = None
    """0 live, 1 sandbox."""
    out_trade_no: str = ""
    wechat_pay_info: Maybe[WeChatPayInfo] = Field(default=None, alias="WeChatPayInfo")
    goods_info: Maybe[MiniGameGoods] = None
    coin_info: Maybe[MiniGameCoins] = None


class MiniGamePayment(Part):
    """A paid order with WeChat's signature."""

    payload: str = ""
    """JSON, unchanged: `pay_event_sig` is computed over these characters."""
    pay_event_sig: str = ""
    """Lower-case hex of HMAC-SHA256 over `event`, `&` and `payload`, with the AppKey of the order's `env`."""
    is_mock: bool = False
    """A test from the console: respond, but do not deliver."""


class MiniGamePaymentEvent(Event):
    """A player paid: deliver the goods of `order`."""

    mini_game: Maybe[MiniGamePayment] = None

    @property
    def order(self) -> MiniGameOrder | None:
        """Return the order in `payload`, None if it is not an order."""
        try:
            return MiniGameOrder.model_validate(json.loads(self.mini_game.payload, parse_int=str))  # type: ignore[union-attr]
        except (AttributeError, ValueError, RecursionError):
            return None

    @property
    def open_id(self) -> str:
        """Return the player's openid, "" if the push has none."""
        return self.order.open_id if self.order else ""


class MiniGameGoodsEvent(MiniGamePaymentEvent):
    """Goods were bought in the game."""

    event: str = "minigame_game_pay_goods_deliver_notify"


class MiniGameStoreGoodsEvent(MiniGamePaymentEvent):
    """Goods were bought in the game's web store; the console's test tool uses the second name."""

    event: str = "minigame_h5_goods_deliver_notify"
    other_names = ("minigame_deliver_h5_pay_products",)


class MiniGameCoinsEvent(MiniGamePaymentEvent):
    """Coins were bought."""

    event: str = "minigame_coin_deliver_completed"
