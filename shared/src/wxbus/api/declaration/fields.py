"""Annotations of an endpoint's parameters and answers: where a value stands on the wire, and its limits."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wxbus.api.uploads import UploadFile

INVALID_PARAMETER: Final = 40035
"""WeChat's errcode for an argument without an errcode of its own."""


@dataclass(frozen=True, slots=True)
class Key:
    """The place in the JSON body or answer, such as `Key("action_info.scene.scene_str")`; by default the name."""

    path: str


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query of a POST request; by default with the same name."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The fields of the model or mapping are fields of the body itself."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The errcode with which WeChat refuses an invalid value."""

    errcode: int


@dataclass(frozen=True, slots=True)
class Signs:
    """The argument is a key, and is not sent: WeChat gets the HMAC-SHA256 of the body with it, in hexadecimal."""

    path: bool = False
    """Whether the path of the endpoint is signed, too: `path&body`."""

    def signature(self, key: str, path: str, body: bytes) -> str:
        """Return the signature of a body, which is empty in a GET request."""
        message = f"{path}&".encode() + body if self.path else body
        return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class MaxBytes:
    """The maximum length of a text in bytes of UTF-8."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "maxLength": self.limit}

    def _check(self, text: str) -> str:
        if (size := len(text.encode())) > self.limit:
            raise PydanticCustomError(
                "too_many_bytes",
                "has {size} bytes in UTF-8, at most {limit} are allowed",
                {"size": size, "limit": self.limit},
            )
        return text


@dataclass(frozen=True, slots=True)
class JsonText:
    """An object that is sent as a text with its JSON."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        dumped = core_schema.wrap_serializer_function_ser_schema(
            lambda value, dump: json.dumps(dump(value), ensure_ascii=False), schema=inner
        )
        return core_schema.no_info_before_validator_function(_from_json, inner, serialization=dumped)


def _from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The maximum size and the allowed suffixes of an `UploadFile`."""

    max_bytes: int
    suffixes: tuple[str, ...] = ()
    """In lower case, such as ".jpg"; empty: any."""

    def __get_pydantic_core_schema__(self, source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, core_schema.is_instance_schema(source))

    def _check(self, file: UploadFile) -> UploadFile:
        suffix = PurePath(file.filename).suffix.lower()
        if self.suffixes and suffix not in self.suffixes:
            allowed = ", ".join(self.suffixes)
            raise PydanticCustomError("file_type", "must be a file of type {allowed}", {"allowed": allowed})
        if file.size is not None and not 0 < file.size <= self.max_bytes:
            raise PydanticCustomError(
                "file_size",
                "has {size} bytes, 1 to {limit} are allowed",
                {"size": file.size, "limit": self.max_bytes},
            )
        return file


OpenId: TypeAlias = Annotated[str, Field(min_length=1, max_length=128), Refused(40003)]
"""The id of a user, different for each account."""
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=128)]
"""An id from WeChat. Ids are texts: some exceed 2**53, and some are sent with quotes and without."""
NumberId: TypeAlias = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(pattern=r"^[0-9]{1,20}$", examples=["1000000001"]),
    PlainSerializer(int, return_type=int),
]
"""An id that WeChat wants as a number. It is a text here as in answers: some exceed 2**53."""
Flag: TypeAlias = Annotated[bool, PlainSerializer(int, return_type=int)]
"""True and False, which this endpoint sends as 1 and 0."""
Timestamp: TypeAlias = Annotated[
    AwareDatetime, PlainSerializer(lambda moment: int(moment.timestamp()), return_type=int)
]
"""A moment with a timezone, sent as seconds since the epoch."""
Secret: TypeAlias = Annotated[SecretStr, PlainSerializer(lambda secret: secret.get_secret_value(), return_type=str)]
"""A value that no log shows."""
