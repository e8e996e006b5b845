"""The client of WeCom's API for one application; handlers of WeCom accounts get it as a parameter."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, Field, field_validator

from wxbus.api.calls import Repeat, Sleep
from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.api.limits import ApiLimits
from wxbus.api.sends import observed
from wxbus.api.tokens import TokenSource
from wxbus.api.wecom.families import WeComFamilies
from wxbus.errors import RateLimited, WeChatError
from wxbus.wechat.messages.identity import split_customer
from wxbus.wechat.replies.application import application_message
from wxbus.wechat.replies.kf import kf_message
from wxbus.wechat.replies.reply import AnyReply, MiniProgramNotice

SEND: Final = "/cgi-bin/message/send"
EVERYONE: Final = "@all"
MAX_USERS: Final = 1000
MAX_PARTIES: Final = 100
INVALID_RECEIVERS: Final = 81013
TOO_MANY_CALLS: Final = 45009
NEXT_MINUTE: Final = 60.0
"""Seconds."""


class SentMessage(BaseModel):
    """WeCom's answer to a message: it was sent, except to those that are named here."""

    msgid: str = ""
    """To recall the message within 24 hours."""
    response_code: str = ""
    """To update a card once, within 72 hours."""
    invalid_users: tuple[str, ...] = Field(default=(), alias="invaliduser")
    """Userids in lower case."""
    invalid_parties: tuple[str, ...] = Field(default=(), alias="invalidparty")
    invalid_tags: tuple[str, ...] = Field(default=(), alias="invalidtag")
    unlicensed_users: tuple[str, ...] = Field(default=(), alias="unlicenseduser")
    """Members without a licence of the API."""

    @field_validator("invalid_users", "invalid_parties", "invalid_tags", "unlicensed_users", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split("|"))) if isinstance(value, str) else value


class WeComClient(WeComFamilies, WeChatClient):
    """Calls WeCom's API for one application; `call` reaches every endpoint (WeCom reference 1.1).

    Raises the errors of `WeChatClient`.
    """

    def __init__(
        self,
        appid: str,
        http: WeChatHttp,
        tokens: TokenSource,
        *,
        agent_id: int | None = None,
        limits: ApiLimits | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`agent_id` is the AgentId of the application; without it the client cannot send messages."""
        super().__init__(appid, http, tokens, limits=limits, sleep=sleep)
        self.agent_id = agent_id

    def _limited(self, error: WeChatError) -> WeChatError:
        """Return RateLimited for 45009: in WeCom it is the limit of a minute or an hour (WeCom reference 1.2)."""
        if error.errcode != TOO_MANY_CALLS:
            return error
        limited = RateLimited(error.errcode, error.errmsg, call=error.call, answer=error.answer)
        limited.retry_after = NEXT_MINUTE
        return limited

    async def send(
        self, openid: str, reply: AnyReply, *, kf_account: str | None = None, message_id: str | None = None
    ) -> None:
        """Send one message of the application to a member (WeCom reference 3.1), or to a customer.

        WeCom drops messages over its limits for one member without an error (WeCom reference 3.5): they are counted.

        Args:
            openid: The member's userid, or a customer as contexts name it: `open_kfid:external_userid`.
            reply: The message.
            kf_account: Only Official Accounts have it.
            message_id: Id of a message to a customer: WeCom refuses a second message with the same id.

        Raises:
            ValueError: The application or customer service cannot send it.
            UserRefused: The member is outside of the application's scope, or has no licence.
            RateLimited: The member has received 30 messages in this minute, or 1,000 in this hour.
            OutOfWindow: The customer must write first, or somebody else serves the customer.
        """
        if kf_account is not None:
            raise ValueError("kf_account is for Official Accounts only")
        with observed(self.appid, openid, reply):
            if customer := split_customer(openid):
                await self.kf.send(*customer, kf_message(reply), msgid=message_id)
                return
            if self._limits is not None:
                await self._limits.acquire_user(self.appid, SEND, openid)
            sent = await self.send_message(reply, users=[openid])
            if sent.invalid_users or sent.unlicensed_users:
                reason = "has no licence" if sent.unlicensed_users else "is outside of the application's scope"
                raise WeChatError(INVALID_RECEIVERS, f"the member {reason}", call=SEND)

    async def send_to_group(self, chat_id: str, reply: AnyReply, *, safe: bool = False) -> None:
        """Send one message to a group chat of the application (WeCom reference 3.4).

        Raises:
            ValueError: An application cannot send it.
        """
        await self.group_chats.send(chat_id, application_message(reply), safe=safe)

    async def send_message(
        self,
        reply: AnyReply,
        *,
        users: Sequence[str] = (),
        parties: Sequence[int] = (),
        tags: Sequence[int] = (),
        safe: bool = False,
        translate_ids: bool = False,
        duplicate_check_interval: int = 0,
    ) -> SentMessage:
        """Send one message of the application, and return whom it did not reach (WeCom reference 3.1).

        It is repeated only if WeCom surely did not send it.

        Args:
            reply: The message.
            users: Userids, at most 1000, or `EVERYONE` alone.
            parties: Departments, at most 100.
            tags: Tags, at most 100.
            safe: Mark it as confidential.
            translate_ids: Replace `$userName=ID$` and the like in its texts.
            duplicate_check_interval: Seconds in which WeCom drops the same message to the same receivers, at most four
                hours; 0: it drops none.

        Raises:
            ValueError: The reply cannot be sent, there is no receiver, or there are too many.
        """
        if self.agent_id is None and not isinstance(reply, MiniProgramNotice):
            raise ValueError("messages to members need the agent_id of the account")
        if not users and not parties and not tags:
            raise ValueError("there is no receiver: give users, parties or tags")
        _check_count("users", users, MAX_USERS)
        _check_count("parties", parties, MAX_PARTIES)
        _check_count("tags", tags, MAX_PARTIES)
        if not 0 <= duplicate_check_interval <= 4 * 3600:
            raise ValueError(f"duplicate_check_interval of {duplicate_check_interval} s; the limit is four hours")
        body: dict[str, Any] = {
            "touser": "|".join(users),
            "toparty": "|".join(map(str, parties)),
            "totag": "|".join(map(str, tags)),
            "agentid": self.agent_id,
            **application_message(reply),
            "safe": int(safe),
            "enable_id_trans": int(translate_ids),
        }
        if duplicate_check_interval:
            body |= {"enable_duplicate_check": 1, "duplicate_check_interval": duplicate_check_interval}
        given = {name: value for name, value in body.items() if value not in ("", None)}
        return await self.call("POST", SEND, json=given, answer=SentMessage, repeat=Repeat.SEND)


def _check_count(name: str, values: Sequence[object], limit: int) -> None:
    if len(values) > limit:
        raise ValueError(f"{len(values)} {name}; the limit of WeCom is {limit}")
