"""How an account's callbacks are protected: encryption modes and keys (protocol reference 1.1)."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from wxbus.wechat.crypto.cipher import AES_KEY_LENGTH


def _letters_and_digits(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if len(key) != AES_KEY_LENGTH or not (key.isascii() and key.isalnum()):
        raise ValueError(
            f"must be {AES_KEY_LENGTH} letters and digits, as WeChat's console shows it; it has {len(key)} signs"
        )
    return value


def _without_blanks(value: SecretStr) -> SecretStr:
    if not (text := value.get_secret_value()) or text.split() != [text]:
        raise ValueError("is empty, or has blanks in it")
    return value


AesKey = Annotated[SecretStr, AfterValidator(_letters_and_digits)]
"""An EncodingAESKey (protocol reference 1.1)."""
ConsoleSecret = Annotated[SecretStr, AfterValidator(_without_blanks)]
"""A Token or AppSecret."""


class Mode(StrEnum):
    """How callbacks are encrypted (protocol reference 1.1)."""

    PLAIN = "plain"
    COMPATIBLE = "compatible"
    SECURE = "secure"


class CallbackKey(BaseModel):
    """One pair of token and AES key: an account has several while its keys are being changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: ConsoleSecret
    aes_key: AesKey | None = None
