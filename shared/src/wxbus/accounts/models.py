"""The model of an account."""

import re
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import translate
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wxbus.config.account_tables import SECRETS
from wxbus.wechat.callbacks.keys import AesKey, CallbackKey, ConsoleSecret, Mode
from wxbus.wechat.messages.identity import split_customer
from wxbus.wechat.messages.system_events import SYNCHRONOUS_EVENTS

APPID = r"^[A-Za-z0-9_-]{1,64}$"


class AccountKind(StrEnum):
    """The type of account at WeChat; it decides which replies and formats exist."""

    OFFICIAL_ACCOUNT = "official_account"
    MINI_PROGRAM = "mini_program"
    COMPONENT = "component"
    WECOM = "wecom"


REPLIES: Mapping[AccountKind, tuple[str, ...]] = {
    AccountKind.OFFICIAL_ACCOUNT: ("customer_service", "passive"),
    AccountKind.WECOM: ("customer_service", "passive"),
    AccountKind.MINI_PROGRAM: ("customer_service", "transfer"),
}
"""Valid values of `reply` by kind (protocol reference 4.3); of platforms, those of their authorizers."""


class Account(BaseModel):
    """One account at WeChat."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """Name in wxbus, the last part of the callback URL `/wechat/{name}`."""
    appid: str = Field(pattern=APPID)
    """WeCom: the corpid or suiteid. Several applications of one corp need different values, see `receive_id`."""
    kind: AccountKind
    token: ConsoleSecret | None = None
    """Token of the console, for signatures."""
    aes_key: AesKey | None = None
    """EncodingAESKey of the console: 43 letters and digits."""
    secret: ConsoleSecret | None = None
    """AppSecret; only the token service needs it."""
    classic_token: bool = False
    """Fetch access tokens from `/cgi-bin/token` instead of `stable_token` (protocol reference 8.1)."""
    modes: tuple[Mode, ...] = (Mode.SECURE,)
    """Accepted encryption modes; others are rejected (no downgrade)."""
    formats: tuple[Literal["xml", "json"], ...] = ("xml", "json")
    """Accepted formats."""
    previous_keys: tuple[CallbackKey, ...] = ()
    """Keys before the last change: still accepted, never used for new replies."""
    reply: Literal["customer_service", "passive", "transfer"] = "customer_service"
    """How replies reach the user; `passive`: in the HTTP response to the push, if they are ready in time.

    `transfer` is for Mini Programs: the response can only transfer the user to human customer service.
    """
    late_reply: Literal["customer_service", "retry_window"] = "customer_service"
    """How a passive reply is sent after its deadline; `retry_window`: in the response to WeChat's next retry."""
    synchronous: tuple[str, ...] = SYNCHRONOUS_EVENTS
    """Name patterns of the events that need a response (protocol reference 4.4); `*` matches any text."""
    receive_id: str | None = Field(default=None, max_length=64)
    """WeCom: receive id of encrypted messages (corpid, suiteid, "" for a robot), if it is not the appid."""
    agent_id: int | None = Field(default=None, ge=0)
    """WeCom: AgentId of the application, which its messages to members need (WeCom reference 3.1)."""
    provider_corpid: str | None = Field(default=None, pattern=APPID)
    """WeCom suite: corpid of its provider. The callback URL then accepts messages encrypted for the suite, for the
    provider (URL verification) and for each customer, whose corpid replaces the appid."""
    component: str | None = None
    """Name of the third-party platform that the account has authorised; the platform's keys are used."""
    authorizer_kind: Literal[AccountKind.OFFICIAL_ACCOUNT, AccountKind.MINI_PROGRAM] = AccountKind.OFFICIAL_ACCOUNT
    """Third-party platform: kind of the authorizers that are not in the file."""
    cloud_hosting: bool = False
    """WeChat's cloud hosting sends the callbacks; its unsigned probe is answered (protocol reference 1.7)."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_kind(cls, fields: Any) -> Any:
        # Third-party platforms get XML in secure mode only (protocol reference 1.1).
        if isinstance(fields, dict) and fields.get("kind") == AccountKind.COMPONENT:
            return {"formats": ("xml",), **fields}
        # A robot answers the push itself (WeCom reference 8.4).
        if isinstance(fields, dict) and fields.get("kind") == AccountKind.WECOM and fields.get("receive_id") == "":
            return {"reply": "passive", **fields}
        return fields

    @model_validator(mode="after")
    def _check_kind(self) -> "Account":
        if self.token is not None and self.aes_key is None and set(self.modes) - {Mode.PLAIN}:
            raise ValueError(f"modes {', '.join(self.modes)} need an aes_key")
        if self.kind is AccountKind.COMPONENT and (self.modes, self.formats) != ((Mode.SECURE,), ("xml",)):
            raise ValueError("a third-party platform supports secure mode and XML only")
        kind = self.authorizer_kind if self.kind is AccountKind.COMPONENT else self.kind
        if self.reply not in REPLIES[kind]:
            raise ValueError(f"reply: {self.reply} is not valid for {kind}, use {' or '.join(REPLIES[kind])}")
        if self.late_reply == "retry_window" and self.reply != "passive":
            raise ValueError('late_reply = "retry_window" needs reply = "passive"')
        if self.receive_id is not None and self.kind is not AccountKind.WECOM:
            raise ValueError("receive_id is for WeCom only")
        if self.provider_corpid is not None and self.kind is not AccountKind.WECOM:
            raise ValueError("provider_corpid is for WeCom suites only")
        if self.agent_id is not None and self.kind is not AccountKind.WECOM:
            raise ValueError("agent_id is for WeCom only")
        if self.is_robot and (self.reply, self.late_reply) != ("passive", "customer_service"):
            raise ValueError("reply and late_reply: a robot of WeCom (receive_id is empty) has none, remove both")
        if self.component is not None and (self.token or self.aes_key or self.secret):
            raise ValueError("an account with a component must not have a token, aes_key or secret")
        return self

    @property
    def keys(self) -> tuple[CallbackKey, ...]:
        """Return all valid keys, the current one first; empty without callbacks."""
        current = (CallbackKey(token=self.token, aes_key=self.aes_key),) if self.token else ()
        return current + self.previous_keys

    @property
    def effective_receive_id(self) -> str:
        """Return the receive id of encrypted messages (protocol reference 2)."""
        return self.appid if self.receive_id is None else self.receive_id

    def can_message(self, openid: str = "") -> bool:
        """Return whether messages can be sent to a user outside of the answer to a push; "": any member of a corp.

        In WeCom a message to a member needs the AgentId; a suite has no access tokens of its customers.
        """
        if self.kind is not AccountKind.WECOM or self.is_robot:
            return True
        is_customer = split_customer(openid) is not None
        return self.provider_corpid is None and (self.agent_id is not None or is_customer)

    @property
    def is_robot(self) -> bool:
        """Whether it is a smart robot of WeCom: its receive id is empty (WeCom reference 8)."""
        return self.kind is AccountKind.WECOM and self.receive_id == ""

    @cached_property
    def _synchronous_events(self) -> re.Pattern[str]:
        return re.compile("|".join(translate(name.lower()) for name in self.synchronous) or r"(?!)")

    def is_synchronous(self, event: str) -> bool:
        """Return whether an event needs a response of its handler."""
        return self._synchronous_events.match(event.lower()) is not None

    def awaits_response(self, event: str, openid: str | None) -> bool:
        """Return whether the callback waits for the handler's reply or response.

        Args:
            event: Name of the event; "" for a message.
            openid: The user that the push is about.
        """
        if event and self.is_synchronous(event):
            return True
        if openid is None or event.lower() == "unsubscribe":  # a reply would not reach a user (protocol reference 7)
            return False
        return self.reply == "passive" or (self.reply == "transfer" and not event)

    def authorizer(self, appid: str) -> "Account":
        """Return the account of an authorizer of this third-party platform that is not in the file."""
        return self.model_copy(
            update={
                "appid": appid,
                "kind": self.authorizer_kind,
                "component": self.name,
                **dict.fromkeys(SECRETS),
                "previous_keys": (),
            }
        )

    def customer(self, corpid: str) -> "Account":
        """Return the account of a corp that installed this WeCom suite."""
        return self.model_copy(update={"appid": corpid, "secret": None})
