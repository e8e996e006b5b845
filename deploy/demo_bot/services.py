"""Sample services of a Mini Program: a price without a login, an order with a session, a delivery to a phone number."""

from pydantic import BaseModel, Field

from wxbus_gateway import Application, Phone, Public, Session, method, service

app = Application()

PRICES = {"tea": 12, "coffee": 18}


class Item(BaseModel):
    """An item that a user buys."""

    item: str = Field(min_length=1, max_length=40)
    count: int = Field(default=1, ge=1, le=99)


class Answer(BaseModel):
    """A text that the page shows."""

    text: str


@app.service
@service("orders")
class Orders:
    """Orders of one shop."""

    @method(needs=Public)
    async def price(self, request: Item) -> Answer:
        """Return the price."""
        return Answer(text=f"{PRICES.get(request.item, 10) * request.count} yuan")

    @method(needs=Session)
    async def create(self, request: Item, session: Session) -> Answer:
        """Order something."""
        return Answer(text=f"{request.count} {request.item} for customer {session.user_id}")

    @method(needs=Phone)
    async def deliver(self, request: Item, phone: Phone) -> Answer:
        """Have something delivered."""
        return Answer(text=f"{request.item} is on its way; we call *{phone.number[-4:]}")
