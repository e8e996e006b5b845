"""Declares endpoints of WeChat's API: each is one method with annotations, in a class for its family."""

from wxbus.api.declaration.decorators import endpoints_of, get, post
from wxbus.api.declaration.endpoint import Endpoint, Family
from wxbus.api.declaration.fields import (
    FileLimits,
    Flag,
    Id,
    JsonText,
    Key,
    MaxBytes,
    Merged,
    NumberId,
    OpenId,
    Query,
    Refused,
    Secret,
    Signs,
    Timestamp,
)
from wxbus.api.declaration.models import Answer, Part

__all__ = [
    "Answer",
    "Endpoint",
    "Family",
    "FileLimits",
    "Flag",
    "Id",
    "JsonText",
    "Key",
    "MaxBytes",
    "Merged",
    "NumberId",
    "OpenId",
    "Part",
    "Query",
    "Refused",
    "Secret",
    "Signs",
    "Timestamp",
    "endpoints_of",
    "get",
    "post",
]
