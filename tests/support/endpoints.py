"""Arguments for declared endpoints: valid ones, and ones out of each limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from wxbus.accounts.models import AccountKind
from wxbus.api.answers import JsonObject
from wxbus.api.declaration.decorators import endpoints_of
from wxbus.api.declaration.endpoint import Endpoint, Family
from wxbus.api.declaration.fields import FileLimits
from wxbus.api.declaration.parameters import Parameter, Place, metadata_of
from wxbus.api.families import Families, all_families
from wxbus.api.uploads import UploadFile
from wxbus.api.wecom.families import WeComFamilies
from wxbus_sandbox.rules.samples import sample

ACCOUNT_OF = {AccountKind.OFFICIAL_ACCOUNT: "shop", AccountKind.MINI_PROGRAM: "mini", AccountKind.COMPONENT: "platform"}
ACCOUNT_OF[AccountKind.WECOM] = "corp"
"""Names of accounts in `tests.support.sandbox`."""


TYPES: dict[str, tuple[TypeAdapter[Any], JsonObject]] = {}
"""By annotation."""


@dataclass(frozen=True)
class Declared:
    """One endpoint of a client's attribute."""

    attribute: str
    family: type[Family]
    method: str
    endpoint: Endpoint

    @property
    def account(self) -> str:
        """The name of an account that may call it."""
        return ACCOUNT_OF[AccountKind((self.endpoint.kinds or self.family.kinds)[0])]

    @property
    def path(self) -> str:
        """The path in the sandbox."""
        return f"/wecom{self.endpoint.path}" if self.account == "corp" else self.endpoint.path

    def __str__(self) -> str:
        return f"{self.attribute}.{self.method}"


def all_endpoints() -> list[Declared]:
    """Return every endpoint of `WeChatClient` and of `WeComClient`."""
    return [
        Declared(attribute, family, name, endpoint)
        for owner in (Families, WeComFamilies)
        for attribute, family in all_families(owner).items()
        for name, endpoint in endpoints_of(family).items()
    ]


def arguments_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return a valid value for every parameter."""
    return {one.name: _value(one) for one in endpoint.parameters}


def beyond_limits(parameter: Parameter) -> Iterator[Any]:
    """Yield values out of each limit of a parameter, as they are on the wire."""
    if parameter.place is Place.FILE:
        return
    schema = _schema(parameter)
    schema = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if schema.get("enum"):
        yield "no-such-value"
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minLength"):
        yield ""
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maxItems" in schema:
        yield _wire(parameter) * (schema["maxItems"] + 1)
    if schema.get("minItems"):
        yield []


def wrong_files(parameter: Parameter) -> Iterator[UploadFile]:
    """Yield files that break each limit of a parameter."""
    for limits in metadata_of(parameter.hint):
        if isinstance(limits, FileLimits):
            yield UploadFile("empty" + _suffix(limits), b"")
            yield UploadFile("large" + _suffix(limits), _nothing(), size=limits.max_bytes + 1)
            if limits.suffixes:
                yield UploadFile("wrong.exe", b"x")


async def _nothing() -> Any:
    yield b""


def _schema(parameter: Parameter) -> JsonObject:
    return _type_of(parameter)[1]


def _type_of(parameter: Parameter) -> tuple[TypeAdapter[Any], JsonObject]:
    """Return the type of a parameter and its JSON schema, built once for all parameters with the same annotation."""
    key = repr(parameter.hint)
    if key not in TYPES:
        found: TypeAdapter[Any] = TypeAdapter(parameter.hint)
        TYPES[key] = found, found.json_schema(mode="validation")
    return TYPES[key]


@cache
def _value(parameter: Parameter) -> Any:
    if parameter.place is Place.FILE:
        limits = next((mark for mark in metadata_of(parameter.hint) if isinstance(mark, FileLimits)), FileLimits(99))
        return UploadFile("file" + _suffix(limits), b"content")
    return _type_of(parameter)[0].validate_python(_wire(parameter))


def _wire(parameter: Parameter) -> Any:
    return sample(_schema(parameter), parameter.name)


def _suffix(limits: FileLimits) -> str:
    return limits.suffixes[0] if limits.suffixes else ".bin"
