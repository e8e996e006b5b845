"""Messages of the login service. Field names are those of `wx.login`, `wx.getUserProfile` and the buttons."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Encrypted: TypeAlias = Annotated[str, Field(min_length=1, max_length=16_384)]


class LoginMessage(BaseModel):
    """A message whose validation errors never show its values."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class LoginCode(LoginMessage):
    """The code of a user who opens the Mini Program."""

    code: str = Field(pattern=r"^[!-~]{1,256}$", repr=False)
    """From `wx.login`; valid once, for 5 minutes."""


class UserInfo(LoginMessage):
    """The profile that a user shares."""

    encryptedData: Encrypted = Field(repr=False)  # noqa: N815 - WeChat's name
    """Encrypted by WeChat with the session key."""
    iv: str = Field(min_length=1, max_length=64, repr=False)
    """Initialisation vector."""
    rawData: str | None = Field(default=None, max_length=16_384, repr=False)  # noqa: N815 - WeChat's name
    """The same data as the page sees it; checked with `signature`."""
    signature: str | None = Field(default=None, max_length=64, repr=False)
    """Of `rawData`."""

    @model_validator(mode="after")
    def _raw_data_is_signed(self) -> "UserInfo":
        if (self.rawData is None) != (self.signature is None):
            raise ValueError("rawData and signature go together")
        return self


class PhoneNumber(LoginMessage):
    """The phone number that a user shares: its code, or the older encrypted form."""

    code: str | None = Field(default=None, pattern=r"^[!-~]{1,256}$", repr=False)
    """From the button `getPhoneNumber`; valid once, for 5 minutes. It is not a login code."""
    encryptedData: Encrypted | None = Field(default=None, repr=False)  # noqa: N815 - WeChat's name
    """The older form."""
    iv: str | None = Field(default=None, min_length=1, max_length=64, repr=False)
    """Initialisation vector of the older form."""

    @model_validator(mode="after")
    def _one_form(self) -> "PhoneNumber":
        if (self.code is None) == (self.encryptedData is None) or (self.encryptedData is None) != (self.iv is None):
            raise ValueError("send code, or encryptedData with iv")
        return self


class Logout(LoginMessage):
    """Ends sessions."""

    everywhere: bool = False
    """End the sessions of all devices of the user."""


class Nothing(LoginMessage):
    """A message without fields: the session state has the result."""
