"""Endpoints: the signature of a method is the request, its return type is the answer."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import (
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeAlias,
    Union,
    get_args,
    get_type_hints,
)

from pydantic import TypeAdapter, ValidationError

from wxbus.api.answers import JsonObject, decode, may_be_json, read_answer, reasons_of
from wxbus.api.calls import Repeat
from wxbus.api.declaration.fields import Key
from wxbus.api.declaration.parameters import (
    Parameter,
    Place,
    arguments_type,
    find,
    is_list,
    metadata_of,
    parameters_of,
    put,
)
from wxbus.api.download import Download
from wxbus.api.models import File
from wxbus.api.request import Method, json_body

Kind: TypeAlias = Literal["official_account", "mini_program", "component", "wecom"]
"""A kind of account that may call an endpoint."""


class Caller(Protocol):
    """Makes calls: `wxbus.api.client.WeChatClient`, or another client with this method."""

    @property
    def call(self) -> Callable[..., Awaitable[Any]]:
        """Return the method that calls an endpoint: `await client.call(method, path, **options)`."""


class Family:
    """Endpoints for one purpose; an object of the class calls them with a client."""

    title: ClassVar[str]
    """In Chinese, for the reference."""
    kinds: ClassVar[tuple[Kind, ...]] = ("official_account",)
    """The kinds of accounts that may call the endpoints, unless an endpoint names others."""

    def __init__(self, client: Caller) -> None:
        self._client = client


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One endpoint of WeChat's API, as declared by `@get` or `@post`."""

    method: Method
    path: str
    function: Callable[..., object] = field(repr=False)
    """The declared method."""
    title: str
    """The title of WeChat's page."""
    name: str = ""
    """WeChat's English name; "" if there is none."""
    repeat: Repeat = Repeat.NEVER
    errcodes: Sequence[int] = ()
    """Its own errcodes, besides those of all endpoints."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Values that are the same in every call, by their path in the body (POST) or name in the query (GET)."""
    fixed_query: Mapping[str, object] = field(default_factory=dict)
    """Values in the query of a POST request."""
    token: bool = True
    """Whether it takes the account's access token."""
    kinds: tuple[Kind, ...] | None = None
    """The kinds of accounts; None: those of the family."""
    older: Method | None = None
    """Another HTTP method, which older programs use."""

    @property
    def summary(self) -> str:
        """The first line of the method's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the method."""
        return parameters_of(self.function, Place.QUERY if self.method == "GET" else Place.BODY)

    @cached_property
    def arguments(self) -> TypeAdapter[dict[str, Any]]:
        """Checks and encodes a dict of arguments."""
        return arguments_type(self.function.__qualname__.replace(".", ""), self.parameters)

    @cached_property
    def returns(self) -> Any:
        """The return type with its annotations."""
        return get_type_hints(self.function, include_extras=True)["return"]

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """Reads and encodes the answer."""
        return TypeAdapter(self.returns)

    @cached_property
    def answer_beside_file(self) -> TypeAdapter[Any] | None:
        """Reads the JSON that may come in place of a file; None if the answer is not `File | ...`."""
        members = get_args(self.returns)
        if File not in members:
            return None
        others: Any = Union[tuple(member for member in members if member is not File)]  # noqa: UP007 - not known before
        return TypeAdapter(others)

    @property
    def is_binary(self) -> bool:
        """Whether the answer is a file, or may be one."""
        return self.returns in (bytes, File, Download) or self.answer_beside_file is not None

    @cached_property
    def answer_key(self) -> tuple[str, ...]:
        """The path of the answer in the JSON object; empty if it is the object."""
        paths = [mark.path for mark in metadata_of(self.returns) if isinstance(mark, Key)]
        return tuple(paths[0].split(".")) if paths else ()

    def options(self, *args: object, **named: object) -> dict[str, Any]:
        """Return the options of `WeChatClient.call` for the arguments of the method.

        Raises:
            ValueError: An argument is of the wrong type or exceeds a limit; the text names both.
            TypeError: An argument is missing or unknown.
        """
        bound = self._signature.bind(None, *args, **named)
        found = {**self._defaults, **bound.arguments}
        given = {
            parameter.name: found[parameter.name]
            for parameter in self.parameters
            if parameter.required or found[parameter.name] is not None
        }
        try:
            checked = self.arguments.validate_python(given, strict=True)
        except ValidationError as exc:
            reasons = reasons_of(exc)
        else:
            return self._options(checked)
        # Outside of `except`: the text of pydantic's error may contain the values.
        raise ValueError(f"{self.function.__qualname__}: {reasons}")

    def _options(self, checked: dict[str, Any]) -> dict[str, Any]:
        encoded = self.arguments.dump_python(checked, mode="json", exclude_none=True, exclude=self._files)
        body: JsonObject = {}
        query: JsonObject = {**self.fixed_query}
        parts = {
            parameter.key[-1]: checked[parameter.name]
            for parameter in self.parameters
            if parameter.name in self._files & checked.keys()
        }
        for key, value in self._fixed:
            put(query if self.method == "GET" else body, key, value)
        for parameter in self.parameters:
            if parameter.name in encoded:
                put(query if parameter.place is Place.QUERY else body, parameter.key, encoded[parameter.name])
        for parameter in self.parameters:
            if parameter.signs and parameter.name in encoded:
                content = json_body(body) if self.method == "POST" else b""
                query[parameter.key[0]] = parameter.signs.signature(encoded[parameter.name], self.path, content)
        options: dict[str, Any] = {"repeat": self.repeat, "token": self.token}
        if query:
            options["params"] = query
        if parts:
            options["files"] = {**body, **parts}
        elif self.method == "POST":
            options["json"] = body
        return options

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def _defaults(self) -> Mapping[str, object]:
        parameters = self._signature.parameters.values()
        return {
            parameter.name: parameter.default
            for parameter in parameters
            if parameter.default is not inspect.Parameter.empty
        }

    @cached_property
    def _files(self) -> set[str]:
        return {parameter.name for parameter in self.parameters if parameter.place is Place.FILE}

    @cached_property
    def _fixed(self) -> tuple[tuple[tuple[str, ...], object], ...]:
        return tuple((tuple(path.split(".")), value) for path, value in self.fixed.items())

    async def call(self, client: Caller, options: Mapping[str, Any]) -> Any:
        """Make the call and return its typed answer."""
        if self.returns is Download:
            return await client.call(self.method, self.path, stream=True, **options)
        if self.returns in (bytes, File):
            return await client.call(self.method, self.path, answer=self.returns, **options)
        if self.answer_beside_file is not None:
            file: File = await client.call(self.method, self.path, answer=File, **options)
            json = decode(file.data) if may_be_json(file.data[:64]) else None
            return file if json is None else read_answer(self.path, self.answer_beside_file.validate_python, json)
        found = await client.call(self.method, self.path, **options)
        return None if self.returns is type(None) else self.read(found)

    def read(self, found: JsonObject) -> Any:
        """Return the typed answer in a JSON object; raises WeChatUnavailable if it is not there."""
        value = find(found, self.answer_key)
        if value in (None, "") and is_list(self.returns):
            value = []  # WeChat leaves out empty lists
        return read_answer(self.path, self.answer.validate_python, value)
