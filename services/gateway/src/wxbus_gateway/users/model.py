"""A user of one Mini Program."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Profile(BaseModel):
    """The profile that a user shares: name, picture, place. WeChat has removed most of it from newer Mini Programs."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    nickname: str = Field(default="", alias="nickName", max_length=256)
    avatar_url: str = Field(default="", alias="avatarUrl", max_length=1024)
    gender: Literal[0, 1, 2] = 0
    """0: unknown, 1: male, 2: female."""
    country: str = Field(default="", max_length=128)
    province: str = Field(default="", max_length=128)
    city: str = Field(default="", max_length=128)
    language: str = Field(default="", max_length=32)


class Phone(BaseModel):
    """A user's phone number."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    number: str = Field(alias="purePhoneNumber", pattern=r"^[0-9]{3,20}$", repr=False)
    """Without the country code."""
    country_code: str = Field(alias="countryCode", pattern=r"^[0-9]{1,6}$")
    """Such as 86."""

    @property
    def international(self) -> str:
        """The number in international form: +8613800000000."""
        return f"+{self.country_code}{self.number}"


@dataclass(frozen=True, slots=True)
class MiniProgramUser:
    """One user of one Mini Program."""

    id: int
    """In the gateway's database."""
    appid: str
    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    """The same in all accounts of an Open Platform account; None if WeChat has not sent it."""
    profile: Profile | None = field(repr=False)
    phone: Phone | None = field(repr=False)
    uid: str | None
    """The business's own id of the user, once it has one."""
    first_seen: datetime
    last_seen: datetime
