"""Logs users of Mini Programs in, and stores the data that they share. The paths are `/{account}/login` and so on."""

from typing import Any, Final, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from wxbus.accounts.models import Account
from wxbus.api.client import WeChatClient
from wxbus.errors import RpcFailure, WeChatUnavailable
from wxbus.rpc import method, service
from wxbus.rpc.codec.problems import wechat_errcode
from wxbus.rpc.service.call import current_call
from wxbus.tokens.messages import LoginAnswer
from wxbus.tokens.services import LoginService
from wxbus_gateway.errors import LoginUnavailable
from wxbus_gateway.login.messages import LoginCode, Logout, Nothing, PhoneNumber, UserInfo
from wxbus_gateway.login.session_keys import SessionKeys
from wxbus_gateway.login.user_data import StaleSessionKey, UserData, check_signature
from wxbus_gateway.services.access import LOGIN, Public, challenge
from wxbus_gateway.sessions.changes import show_user
from wxbus_gateway.sessions.session import FoundSession, Session
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile
from wxbus_gateway.users.repository import Users

M = TypeVar("M", bound=BaseModel)

SERVICE: Final = "session"


@service(SERVICE)
class LoginServicer:
    """Sessions of Mini Program users. Each answer carries the state of the session."""

    def __init__(
        self,
        logins: LoginService,
        sessions: SessionStore,
        session_keys: SessionKeys,
        users: Users,
        user_data: UserData,
    ) -> None:
        """`logins` exchanges the codes: the token service, which has the AppSecrets."""
        self._logins = logins
        self._sessions = sessions
        self._session_keys = session_keys
        self._users = users
        self._user_data = user_data

    @method(needs=Public)
    async def login(self, request: LoginCode, account: Account) -> Nothing:
        """Start a session by a code of `wx.login`."""
        found = await self._exchange(account.appid, request.code)
        user = await self._users.seen(account.appid, found.openid, unionid=found.unionid)
        await self._session_keys.put(account.appid, found.openid, SecretStr(found.session_key))
        current_call().features[FoundSession] = await self._sessions.start(account.name, user)
        return Nothing()

    @method(needs=Session)
    async def state(self, request: Nothing) -> Nothing:  # noqa: ARG002 - a method takes a request
        """Return the state of the session."""
        return Nothing()

    @method(needs=Session)
    async def logout(self, request: Logout, session: Session, found: FoundSession) -> Nothing:
        """End the session, or all sessions of the user."""
        if request.everywhere:  # first: a call that fails midway is repeated with this session
            await self._sessions.end_all(session.appid, session.openid)
        await self._sessions.end(found.token)
        current_call().features.pop(FoundSession)
        return Nothing()

    @method(needs=Session)
    async def user_info(
        self, request: UserInfo, session: Session, _user: MiniProgramUser, client: WeChatClient
    ) -> Nothing:
        """Store the profile that the user shares."""
        # `_user` makes the access check that the session is the user's.
        session_key = await self._session_key(session)
        # Decrypt first, because that tells an old session key from wrong data: with an old key no signature matches
        # either.
        data = await self._open(client, session, session_key, request.encryptedData, request.iv)
        if request.rawData is not None and request.signature is not None:
            check_signature(session_key, request.rawData, request.signature)
        profile, unionid = _read(Profile, data), data.get("unionId")
        user = await self._users.set_profile(
            session.user_id, profile, unionid=unionid if isinstance(unionid, str) else None
        )
        return await self._changed(user)

    @method(needs=Session)
    async def phone(
        self, request: PhoneNumber, session: Session, _user: MiniProgramUser, client: WeChatClient
    ) -> Nothing:
        """Store the phone number that the user shares."""
        if request.code is not None:
            phone = await _phone_of(client, request.code)
        else:
            session_key = await self._session_key(session)
            encrypted_data, iv = request.encryptedData or "", request.iv or ""
            phone = _read(Phone, await self._open(client, session, session_key, encrypted_data, iv))
        return await self._changed(await self._users.set_phone(session.user_id, phone))

    async def _exchange(self, appid: str, code: str) -> LoginAnswer:
        """Return the user of a code; raises RpcFailure if WeChat refuses it, else LoginUnavailable."""
        try:
            return await self._logins.exchange(appid=appid, code=code)
        except RpcFailure as exc:
            if wechat_errcode(exc) is None:  # a wrong API key of this gateway must not look like a wrong session
                raise LoginUnavailable(f"the token service refuses to exchange codes: {exc}", exc.retry_after) from exc
            raise

    async def _session_key(self, session: Session) -> SecretStr:
        session_key = await self._session_keys.get(session.appid, session.openid)
        if session_key is None:
            raise challenge(current_call(), LOGIN)
        return session_key

    async def _open(
        self, client: WeChatClient, session: Session, session_key: SecretStr, encrypted_data: str, iv: str
    ) -> dict[str, Any]:
        try:
            return await self._user_data.open(client, session.openid, session_key, iv=iv, encrypted_data=encrypted_data)
        except StaleSessionKey as exc:
            await self._session_keys.drop(session.appid, session.openid)
            raise challenge(current_call(), LOGIN) from exc

    async def _changed(self, user: MiniProgramUser) -> Nothing:
        await show_user(current_call(), self._sessions, user)
        return Nothing()


async def _phone_of(client: WeChatClient, code: str) -> Phone:
    """Return the phone number of a code; raises WeChatError 40029 for a wrong or used code."""
    found = await client.sessions.phone_number(code)
    if found.watermark is None or found.watermark.appid != client.appid:
        raise WeChatUnavailable("getuserphonenumber: the answer is not of this account")
    return Phone(number=found.local_number or found.number, country_code=found.country_code)


def _read(model: type[M], data: Any) -> M:
    try:
        return model.model_validate(data)
    except ValidationError:
        detail = f"it has no {model.__name__.lower()}"
    # Outside of `except`: the error of pydantic quotes the data.
    raise RpcFailure(422, "The user data cannot be accepted", detail=detail)
