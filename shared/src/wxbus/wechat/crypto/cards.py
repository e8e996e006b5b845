"""Signatures of cards and invoices in the JS-SDK, with the ticket of the type `wx_card` (protocol reference 8.2)."""

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1


@dataclass(frozen=True, slots=True)
class SignedChoice:
    """The signed members of `wx.chooseCard` and `wx.chooseInvoice`."""

    timestamp: int
    """Seconds since the epoch."""
    noncestr: str
    signature: str

    def as_json(self) -> dict[str, str | int]:
        """Return the members under the names of the JS-SDK."""
        return {
            "timestamp": self.timestamp,
            "nonceStr": self.noncestr,
            "signType": "SHA1",
            "cardSign": self.signature,
        }


def sign_card(
    card_ticket: str,
    card_id: str,
    *,
    code: str = "",
    openid: str = "",
    balance: str = "",
    noncestr: str | None = None,
    timestamp: int | None = None,
) -> str:
    """Return the `cardExt` of one card in `wx.addCard`: a JSON text. `CardTicket.sign` gets the ticket itself.

    Args:
        card_ticket: From the token service. It must not reach the page.
        card_id: The card.
        code: The code of the card, if it uses your own codes.
        openid: The only user who may add the card.
        balance: Balance of a red envelope card.
        noncestr: Random by default.
        timestamp: Now by default.
    """
    noncestr, timestamp = _fresh(noncestr, timestamp)
    signature = _signature((card_ticket, str(timestamp), noncestr, card_id, code, openid, balance))
    given = {"code": code, "openid": openid, "balance": balance}
    members = {
        **{name: value for name, value in given.items() if value},
        "timestamp": str(timestamp),
        "nonce_str": noncestr,
        "signature": signature,
    }
    return json.dumps(members)


def sign_card_choice(
    card_ticket: str,
    appid: str,
    *,
    location_id: str = "",
    card_id: str = "",
    card_type: str = "",
    noncestr: str | None = None,
    timestamp: int | None = None,
) -> SignedChoice:
    """Return the signed members of `wx.chooseCard`; the page gets the same `location_id`, `card_id` and `card_type`.

    With `card_type` "INVOICE" they are those of `wx.chooseInvoice`.
    """
    noncestr, timestamp = _fresh(noncestr, timestamp)
    values = (card_ticket, appid, location_id, str(timestamp), noncestr, card_id, card_type)
    return SignedChoice(timestamp, noncestr, _signature(values))


def _fresh(noncestr: str | None, timestamp: int | None) -> tuple[str, int]:
    return noncestr or secrets.token_hex(8), int(time.time()) if timestamp is None else timestamp


def _signature(values: Iterable[str]) -> str:
    """Return WeChat's SHA-1 of the values, sorted by their bytes; empty values are omitted."""
    text = "".join(sorted((value for value in values if value), key=str.encode))
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
