"""Accounts and API keys that are registered at run time, as Redis stores them."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator

from wxbus.accounts.models import APPID, Account, AccountKind
from wxbus.rpc.auth.keys import KeyEntry

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class RegisteredAccount(BaseModel):
    """A registered account; Redis has it encrypted."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=NAME)
    appid: str = Field(pattern=APPID)
    kind: AccountKind
    secret: str = Field(min_length=1, max_length=256, repr=False)
    classic_token: bool = False
    receive_id: str | None = None
    changed: AwareDatetime
    """When its secret was set."""

    def account(self) -> Account:
        """Return the account as the accounts file would define it."""
        return Account(
            name=self.name,
            appid=self.appid,
            kind=self.kind,
            secret=SecretStr(self.secret),
            classic_token=self.classic_token,
            receive_id=self.receive_id,
        )

    @model_validator(mode="after")
    def _check_account(self) -> "RegisteredAccount":
        self.account()
        return self


class RegisteredKey(KeyEntry):
    """A registered API key; Redis has its hash, encrypted, never the key."""

    created: AwareDatetime
