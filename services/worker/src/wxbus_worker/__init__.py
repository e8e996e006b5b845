"""Runs the business's handlers, each user's messages in order, effectively once.

    from wxbus_worker import Context, Router

Handlers raise `RetryLater` to be run again later, and `Reject` when no attempt can succeed.
"""

from wxbus.errors import Reject, RetryLater
from wxbus_worker.context import Context
from wxbus_worker.current import CurrentDelivery, current_delivery
from wxbus_worker.router import Router

__all__ = ["Context", "CurrentDelivery", "Reject", "RetryLater", "Router", "current_delivery"]
