"""The base class of the simulated families of endpoints."""

from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.api.declaration.endpoint import Family
from wxbus_sandbox.pushes.results import RESULTS, ResultEvents
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part, Sandbox

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of an endpoint."""

    sandbox: Sandbox
    caller: Account | None
    """None for calls without an access token."""
    request: web.Request

    @property
    def account(self) -> Account:
        """The account that calls; raises ApiError 41001 if the endpoint takes no access token."""
        if self.caller is None:
            raise ApiError(41001)
        return self.caller

    def state(self, kind: type[P]) -> P:
        """Return the account's state of this kind."""
        return self.sandbox.part(self.account.appid, kind)

    @property
    def results(self) -> ResultEvents:
        """The events with the results of calls."""
        return self.request.app[RESULTS]


class Twin(Family):
    """Answers the calls of a family as WeChat does.

    A subclass also derives from the family, and overrides the methods that have state or rules: their
    arguments are validated, and their result is what the client returns. The other methods answer with a sample.
    """

    def __init__(self, call: ApiCall) -> None:
        self.call = call
