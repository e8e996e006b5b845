"""The codes of cards that users have."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Timestamp,
    post,
)
from wxbus.api.endpoints.card_ids import WRONG_CARD, WRONG_CODE, CardId, Code, Codes


class CodeCard(Answer):
    """The card of a code."""

    card_id: str = ""
    begin_time: Timestamp | None = None
    end_time: Timestamp | None = None


class CodeState(Answer):
    """A code."""

    openid: str = ""
    card: CodeCard = CodeCard()
    can_consume: bool = False
    user_card_status: str = ""
    """NORMAL, CONSUMED, EXPIRE, GIFTING, GIFT_SUCC, GIFT_TIMEOUT, DELETE or UNAVAILABLE."""
    outer_str: str = ""


class ConsumedCode(Answer):
    """A code that was used."""

    openid: str
    card: CodeCard = CodeCard()


class CodeCheck(Answer):
    """Which codes were imported."""

    exist_code: tuple[str, ...] = ()
    not_exist_code: tuple[str, ...] = ()


class CardCodes(Family):
    """The codes of cards."""

    title = "卡券 Code"
    kinds = ("official_account",)

    @post("/card/code/get", name="getCode", title="查询Code", repeat=Repeat.READ, errcodes=(WRONG_CODE,))
    async def find(self, code: Code, *, card_id: CardId | None = None, check_consume: bool = True) -> CodeState:
        """Return a code; `check_consume` refuses codes that cannot be used now."""

    @post(
        "/card/code/consume",
        name="consumeCode",
        title="核销Code",
        repeat=Repeat.SEND,
        errcodes=(WRONG_CARD, 40099, WRONG_CODE),
    )
    async def consume(self, code: Code, *, card_id: CardId | None = None) -> ConsumedCode:
        """Use a code, once."""

    @post("/card/code/decrypt", name="decryptCode", title="Code解码", repeat=Repeat.READ)
    async def decrypt(
        self, encrypted: Annotated[str, Field(min_length=1), Key("encrypt_code")]
    ) -> Annotated[str, Key("code")]:
        """Decrypt a code that a page of WeChat passed."""

    @post("/card/code/update", name="updateCode", title="更改Code", repeat=Repeat.SEND, errcodes=(WRONG_CODE,))
    async def change(
        self, code: Code, new_code: Annotated[str, Field(min_length=1, max_length=64)], *, card_id: CardId | None = None
    ) -> None:
        """Replace the code of a card."""

    @post(
        "/card/code/unavailable",
        name="setCodeUnavailable",
        title="设置卡券失效",
        repeat=Repeat.READ,
        errcodes=(WRONG_CODE,),
    )
    async def disable(self, code: Code, *, card_id: CardId | None = None, reason: str | None = None) -> None:
        """Disable a code."""

    @post(
        "/card/code/deposit",
        name="depositCodes",
        title="导入自定义code",
        repeat=Repeat.READ,
        errcodes=(40109, 40110, 40111),
    )
    async def add(self, card_id: CardId, codes: Codes) -> None:
        """Import up to 100 codes of your own."""

    @post("/card/code/getdepositcount", name="getDepositCount", title="查询导入code数目", repeat=Repeat.READ)
    async def count(self, card_id: CardId) -> Annotated[int, Key("count")]:
        """Return the number of imported codes."""

    @post("/card/code/checkcode", name="checkCodes", title="核查code", repeat=Repeat.READ)
    async def check(self, card_id: CardId, codes: Codes) -> CodeCheck:
        """Return which of up to 100 codes were imported."""

    @post("/card/code/mark", name="markCode", title="Mark(占用)Code", repeat=Repeat.READ, errcodes=(WRONG_CODE,))
    async def mark(self, card_id: CardId, code: Code, openid: Id, *, is_mark: bool = True) -> None:
        """Reserve a code for a user, or free it."""
