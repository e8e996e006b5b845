"""Cards, coupons and gift cards (protocol reference 6.1)."""

from wxbus.wechat.messages.base import Event, Int


class CardEvent(Event):
    """An event of a card type."""

    card_id: str = ""


class UserCardEvent(CardEvent):
    """An event of a user's card."""

    user_card_code: str = ""


class CardPassCheckEvent(CardEvent):
    """A card type passed its review."""

    event: str = "card_pass_check"


class CardNotPassCheckEvent(CardEvent):
    """A card type failed its review."""

    event: str = "card_not_pass_check"
    refuse_reason: str = ""


class UserGetCardEvent(UserCardEvent):
    """A user received a card."""

    event: str = "user_get_card"
    is_give_by_friend: Int = None
    friend_user_name: str = ""
    old_user_card_code: str = ""
    outer_id: str = ""
    outer_str: str = ""
    is_restore_member_card: Int = None
    is_recommend_by_friend: Int = None
    source_scene: str = ""
    union_id: str = ""


class UserGiftingCardEvent(UserCardEvent):
    """A user gives a card away."""

    event: str = "user_gifting_card"
    friend_user_name: str = ""
    is_return_back: Int = None
    is_chat_room: Int = None


class UserDelCardEvent(UserCardEvent):
    """A user deleted a card."""

    event: str = "user_del_card"


class UserEnterSessionFromCardEvent(UserCardEvent):
    """A user opened the conversation from a card."""

    event: str = "user_enter_session_from_card"


class SubmitMemberCardUserInfoEvent(UserCardEvent):
    """A user submitted the data to activate a member card."""

    event: str = "submit_membercard_user_info"


class UserViewCardEvent(UserCardEvent):
    """A user viewed a member card."""

    event: str = "user_view_card"
    outer_str: str = ""


class UserConsumeCardEvent(UserCardEvent):
    """A user's card was redeemed."""

    event: str = "user_consume_card"
    consume_source: str = ""
    location_name: str = ""
    staff_open_id: str = ""
    verify_code: str = ""
    remark_amount: str = ""
    outer_str: str = ""


class UserPayFromPayCellEvent(UserCardEvent):
    """A user paid from a card."""

    event: str = "user_pay_from_pay_cell"
    trans_id: str = ""
    location_id: str = ""
    fee: str = ""
    original_fee: str = ""


class UpdateMemberCardEvent(UserCardEvent):
    """A member card's points or balance changed."""

    event: str = "update_member_card"
    modify_bonus: Int = None
    modify_balance: Int = None


class CardSkuRemindEvent(CardEvent):
    """The stock of a card type is low."""

    event: str = "card_sku_remind"
    detail: str = ""


class CardPayOrderEvent(UserCardEvent):
    """The merchant's balance for cards changed; the order's fields are in `model_extra`."""

    event: str = "card_pay_order"
    outer_str: str = ""


class GiftCardEvent(Event):
    """An event of a gift card."""

    page_id: str = ""
    order_id: str = ""
    is_chat_room: str = ""
    is_return_back: str = ""


class GiftCardPayDoneEvent(GiftCardEvent):
    """A user bought a gift card."""

    event: str = "giftcard_pay_done"


class GiftCardSendToFriendEvent(GiftCardEvent):
    """A user gave a gift card away."""

    event: str = "giftcard_send_to_friend"


class GiftCardUserAcceptEvent(GiftCardEvent):
    """A user accepted a gift card."""

    event: str = "giftcard_user_accept"


class CardMerchantCheckResultEvent(Event):
    """A sub-merchant was reviewed."""

    event: str = "card_merchant_check_result"
    merchant_id: str = ""
    is_pass: Int = None
    """1 passed, 0 refused."""
    reason: str = ""
