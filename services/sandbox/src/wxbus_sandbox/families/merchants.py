"""Merchants of a Mini Program with customer service of their own."""

import secrets
from typing import Final

from wxbus.api.endpoints.merchants import NO_MERCHANT, Merchant, Merchants
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

NAME_TAKEN: Final = 45070
BOUND: Final = 10130603
NOT_BOUND: Final = 10130604


class MerchantState(Part):
    """The merchants of one Mini Program, and the corporation that serves its customers."""

    def __init__(self) -> None:
        self.merchants: dict[str, Merchant] = {}
        """By id."""
        self.corpid: str | None = None


class MerchantsTwin(Twin, Merchants):
    """Keeps the merchants."""

    async def register(
        self,
        account_name: str,
        nickname: str,
        icon_media_id: str,
        *,
        fall_back: bool | None = None,
    ) -> str:
        """Keep a merchant."""
        merchants = self.call.state(MerchantState).merchants
        if any(merchant.account_name == account_name for merchant in merchants.values()):
            raise ApiError(NAME_TAKEN)
        self.call.sandbox.media.get(self.call.account.appid, icon_media_id)
        business_id = str(secrets.randbelow(2**53))
        merchants[business_id] = Merchant(business_id=business_id, account_name=account_name, nickname=nickname)
        return business_id

    async def update(self, business_id: str, *, nickname: str | None = None, icon_media_id: str | None = None) -> None:
        """Change a merchant."""
        merchant = await self.find(business_id)
        if icon_media_id is not None:
            self.call.sandbox.media.get(self.call.account.appid, icon_media_id)
        changed = {} if nickname is None else {"nickname": nickname}
        self.call.state(MerchantState).merchants[business_id] = merchant.model_copy(update=changed)

    async def find(self, business_id: str) -> Merchant:
        """Return a merchant."""
        if (found := self.call.state(MerchantState).merchants.get(business_id)) is None:
            raise ApiError(NO_MERCHANT)
        return found

    async def find_by_name(self, account_name: str) -> Merchant:
        """Return a merchant."""
        for merchant in self.call.state(MerchantState).merchants.values():
            if merchant.account_name == account_name:
                return merchant
        raise ApiError(NO_MERCHANT)

    async def page(self, offset: int = 0, count: int = 200) -> list[Merchant]:
        """Return merchants."""
        return [*self.call.state(MerchantState).merchants.values()][offset : offset + count]

    async def bind_work(self, corpid: str) -> None:
        """Keep the corporation."""
        state = self.call.state(MerchantState)
        if state.corpid is not None:
            raise ApiError(BOUND)
        state.corpid = corpid

    async def unbind_work(self, corpid: str) -> None:
        """Forget the corporation."""
        state = self.call.state(MerchantState)
        if state.corpid != corpid:
            raise ApiError(NOT_BOUND)
        state.corpid = None
