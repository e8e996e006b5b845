"""For tests of services: calls them in this process, without servers.

async def test_an_order() -> None:
async with ServiceClient.open(app) as client:
client.log_in()
assert await client.call("orders/create", item="tea") == {"text": "1 tea for customer 1"}
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import RpcFailure
from wxbus.rpc.codec import problems
from wxbus.rpc.service.call import Call
from wxbus.rpc.service.server import Server
from wxbus.sockets.presence import Presence
from wxbus_gateway.services.access import SessionAccess
from wxbus_gateway.services.application import Application
from wxbus_gateway.sessions.changes import Sessions, checked_data, checked_uid
from wxbus_gateway.sessions.session import FoundSession, Session
from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile

TOKEN: Final = "t" * 43
DAY: Final = 86_400.0


class ServiceClient(Sessions, Presence):
    """A Mini Program with one user."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.user: MiniProgramUser | None = None
        """None before `log_in`."""
        self.session_data: dict[str, Any] = {}
        """The business's data of the session."""
        self.connected: set[str] = set()
        """Openids of the users who have a socket, for methods that take `Presence`."""
        self._server: Server | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, application: Application, *, account: Account | None = None) -> AsyncIterator["ServiceClient"]:
        """Yield a client of the application, whose provided objects are opened.

        Args:
            application: As `WXBUS_GATEWAY_APP` names it.
            account: The Mini Program; one named `mini` by default.

        Raises:
            TypeError: A method declares no needs, or takes a parameter that they do not provide.
        """
        client = cls(account or Account(name="mini", appid="wx0000000000000000", kind=AccountKind.MINI_PROGRAM))
        async with application.opened({Presence: client, Sessions: client}) as provided:
            client._server = Server(
                application.services,
                access=SessionAccess(client, client, limit=lambda _call: None),
                stages=[provided, *application.stages],
                registry=CollectorRegistry(),
            )
            yield client

    def log_in(self, openid: str = "oTest0000000000000000000000", *, uid: str | None = None) -> None:
        """Log the user in."""
        moment = datetime.now(UTC)
        self.user = MiniProgramUser(1, self.account.appid, openid, None, None, None, uid, moment, moment)

    def share_profile(self, nickname: str) -> None:
        """Share the user's profile; raises ValueError before `log_in`."""
        self.user = replace(self._logged_in(), profile=Profile(nickname=nickname))

    def share_phone(self, number: str, *, country_code: str = "86") -> None:
        """Share the user's phone number; raises ValueError before `log_in`."""
        self.user = replace(self._logged_in(), phone=Phone(number=number, country_code=country_code))

    def log_out(self) -> None:
        """End the session."""
        self.user = None

    async def call(self, path: str, /, **fields: Any) -> dict[str, Any]:
        """Return the answer of `service/method` as a dict of JSON values.

        Raises:
            RpcFailure: The service answered with an error, with the status and the type that a Mini Program gets.
        """
        service, _, name = path.partition("/")
        body = json.dumps(fields).encode()

        async def read() -> bytes:
            return body

        call = Call(service, name, "application/json", TOKEN if self.user else None, read)
        call.features[Account] = self.account
        if self._server is None:
            raise RuntimeError("open the client: `async with ServiceClient.open(app) as client`")
        answer = await self._server.answer(call)
        if answer.status != 200:
            raise problems.parse(answer.status, answer.body, {})
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def find(self, _token: str) -> FoundSession | None:
        """Return the session of the user (implements `SessionLookup`)."""
        user = self.user
        if user is None:
            return None
        ends = datetime.now(UTC).timestamp() + DAY
        session = Session(
            id="test",
            login="test",
            account=self.account.name,
            appid=user.appid,
            openid=user.openid,
            user_id=user.id,
            renew_at=ends,
            ends=ends,
            data=self.session_data,
        ).of_user(user)
        return FoundSession(session, TOKEN, DAY)

    async def get(self, _user_id: int) -> MiniProgramUser | None:
        """Return the user (implements `UserLookup`)."""
        return self.user

    async def set_uid(self, uid: str | None) -> None:
        """Keep the business's id of the user (see `Sessions`)."""
        self.user = replace(self._logged_in(), uid=checked_uid(uid))

    async def set_data(self, data: Mapping[str, Any]) -> None:
        """Replace the business's data of the session (see `Sessions`)."""
        self.session_data = checked_data(data)

    async def is_connected(self, appid: str, openid: str) -> bool:  # noqa: ARG002 - it has one account
        """Return whether the test has connected the user (see `Presence`)."""
        return openid in self.connected

    def _logged_in(self) -> MiniProgramUser:
        if self.user is None:
            raise ValueError("log_in first")
        return self.user


__all__ = ["RpcFailure", "ServiceClient"]
