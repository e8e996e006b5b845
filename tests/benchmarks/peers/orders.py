"""The service that the gateway is measured with: `python -m wxbus_gateway --app tests.benchmarks.peers.orders:app`."""

from pydantic import BaseModel

from wxbus_gateway import Application, Session, method, service

app = Application()


class Order(BaseModel):
    """What a user buys."""

    item: str
    count: int = 1


class Receipt(BaseModel):
    """The answer."""

    text: str


@app.service
@service("orders")
class Orders:
    """A service that does next to nothing."""

    @method(needs=Session)
    async def create(self, request: Order, session: Session) -> Receipt:
        """Take an order."""
        return Receipt(text=f"{request.count} {request.item} for {session.user_id}")
