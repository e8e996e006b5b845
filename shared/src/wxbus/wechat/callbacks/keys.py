"""Encryption modes and keys of an account's callbacks (protocol reference 1.1)."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from wxbus.wechat.crypto.cipher import AES_KEY_LENGTH, is_aes_key


def _check_aes_key(value: SecretStr) -> SecretStr:
    if not is_aes_key(key := value.get_secret_value()):
        raise ValueError(
            f"must be {AES_KEY_LENGTH} letters and digits, as WeChat's console shows it; it has {len(key)} characters"
        )
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    if not (text := value.get_secret_value()) or text.split() != [text]:
        raise ValueError("must not be empty or contain blanks")
    return value


AesKey = Annotated[SecretStr, AfterValidator(_check_aes_key)]
"""An EncodingAESKey (protocol reference 1.1)."""
ConsoleSecret = Annotated[SecretStr, AfterValidator(_check_secret)]
"""A Token or AppSecret."""


class Mode(StrEnum):
    """How callbacks are encrypted (protocol reference 1.1)."""

    PLAIN = "plain"
    COMPATIBLE = "compatible"
    SECURE = "secure"


class CallbackKey(BaseModel):
    """A pair of token and AES key; an account has several during a key change."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: ConsoleSecret
    aes_key: AesKey | None = None
