"""The stores of the commands about users: the database and Redis. RabbitMQ and the services need not run."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.config.settings import load_for_command
from wxbus.errors import ConfigurationError
from wxbus.sockets.groups import Groups
from wxbus.sockets.pushes import PushLog
from wxbus.store.keyring import Keyring
from wxbus.store.store import COMMAND_ANSWER_TIMEOUT, Store
from wxbus_gateway.errors import UnknownUser
from wxbus_gateway.login.session_keys import SessionKeys
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.settings import UsersSettings
from wxbus_gateway.users.database import open_database
from wxbus_gateway.users.model import MiniProgramUser, Phone
from wxbus_gateway.users.sql import SqlUsers

PHONE = re.compile(r"\+(?P<country>86|[1-9][0-9]{0,2})(?P<number>[0-9]{5,15})")


@dataclass(frozen=True, slots=True)
class Opened:
    """The users in the database, and their data in Redis."""

    users: SqlUsers
    sessions: SessionStore
    session_keys: SessionKeys
    pushes: PushLog
    groups: Groups
    accounts_file: Path

    def appid(self, account: str) -> str:
        """Return the appid of a Mini Program; raises ConfigurationError, which names the known ones."""
        accounts = Accounts.read(self.accounts_file)
        known = {one.name: one.appid for one in accounts if one.kind is AccountKind.MINI_PROGRAM}
        if account not in known:
            names = ", ".join(known) or "none"
            raise ConfigurationError(f"there is no Mini Program {account!r} in the accounts file; known: {names}")
        return known[account]

    def phone(self, text: str) -> Phone:
        """Return a phone number; raises ConfigurationError for a malformed one."""
        match = PHONE.fullmatch(text)
        if match is None:
            raise ConfigurationError("--phone must be in international form, such as +8613800138000")
        return Phone(number=match["number"], country_code=match["country"])

    async def required(self, user_id: int) -> MiniProgramUser:
        """Return a user; raises UnknownUser."""
        user = await self.users.get(user_id)
        if user is None:
            raise UnknownUser(user_id)
        return user

    async def erase(self, user: MiniProgramUser) -> int:
        """Delete a user, the session key, all sessions, pushes and memberships; return the number of sessions.

        Gateways close the sockets of sessions that end. The user goes last, so that an erasure that fails midway can be
        repeated.
        """
        await self.session_keys.drop(user.appid, user.openid)
        ended = await self.sessions.end_all(user.appid, user.openid)
        await self.groups.leave_all(user.appid, user.openid)
        await self.pushes.erase(user.appid, user.openid)
        await self.users.erase(user.id)
        return ended


@asynccontextmanager
async def opened() -> AsyncIterator[Opened]:
    """Yield the opened stores, by the settings of the gateway; raises ConfigurationError."""
    settings = load_for_command(UsersSettings)
    keyring = Keyring.parse(settings.encryption_keys.get_secret_value())
    namespace = settings.store.namespace
    async with (
        open_database(settings.database_url.get_secret_value()) as engine,
        Store.open(
            settings.store.redis_url.get_secret_value(),
            name="wxbus-gateway-users",
            answer_timeout=COMMAND_ANSWER_TIMEOUT,
        ) as store,
    ):
        yield Opened(
            SqlUsers(engine, keyring),
            SessionStore(store, keyring, settings.lifetime, namespace=namespace),
            SessionKeys(store, keyring, namespace=namespace),
            PushLog(store, namespace=namespace),
            Groups(store, namespace=namespace),
            settings.accounts.accounts_file,
        )
