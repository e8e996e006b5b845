"""A route for each endpoint that `wxbus.api.families` declares, with the checks that its declaration implies."""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from aiohttp import BodyPartReader, web
from pydantic import ValidationError

from wxbus.accounts.models import Account
from wxbus.api.answers import JsonObject
from wxbus.api.declaration.decorators import endpoint_of, endpoints_of
from wxbus.api.declaration.endpoint import Endpoint, Family, Kind
from wxbus.api.declaration.fields import INVALID_PARAMETER
from wxbus.api.declaration.parameters import Place, find, put
from wxbus.api.families import all_families
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile
from wxbus.api.wecom.families import WeComFamilies
from wxbus_sandbox.endpoints.wecom.base import PREFIX as WECOM
from wxbus_sandbox.endpoints.wecom.base import calling_account
from wxbus_sandbox.families import TWINS
from wxbus_sandbox.families.twin import ApiCall
from wxbus_sandbox.rules.field_errcodes import errcode_at
from wxbus_sandbox.rules.media import PICTURE
from wxbus_sandbox.rules.responses import ApiError, json_body, ok
from wxbus_sandbox.rules.samples import sample
from wxbus_sandbox.rules.tokens import Family as TokenFamily
from wxbus_sandbox.state import SANDBOX, Sandbox

MAX_FILE: Final = 64 * 1024 * 1024
"""Bytes of one file in a form."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An endpoint of a family."""

    family: type[Family]
    method: str
    """The name of the declared method."""
    endpoint: Endpoint

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of accounts that may call it."""
        return self.endpoint.kinds or self.family.kinds


def declared(families: Iterable[type[Family]]) -> dict[str, list[Declared]]:
    """Return the endpoints of families by path; several methods may share one."""
    found: defaultdict[str, list[Declared]] = defaultdict(list)
    for family in families:
        for name, endpoint in endpoints_of(family).items():
            found[endpoint.path].append(Declared(family, name, endpoint))
    return dict(found)


def routes(taken: Iterable[str]) -> list[web.RouteDef]:
    """Return a route for each declared path except those `taken` by a module of their own."""
    paths = declared(all_families().values())
    paths |= {WECOM + path: found for path, found in declared(all_families(WeComFamilies).values()).items()}
    return [web.route("*", path, _Route(paths[path]).answer) for path in paths.keys() - {*taken}]


class _Route:
    def __init__(self, declared: list[Declared]) -> None:
        self._declared = declared

    async def answer(self, request: web.Request) -> web.StreamResponse:
        sandbox, first = request.app[SANDBOX], self._declared[0]
        account = _caller(sandbox, request, first)
        if request.method not in {first.endpoint.method, first.endpoint.older}:
            raise ApiError(43001 if first.endpoint.method == "GET" else 43002)
        if account is not None and not any(account.kind in one.kinds for one in self._declared):
            raise ApiError(48001)
        sent = await _read(request)
        if request.method == first.endpoint.older:  # the older method has the arguments in the other place
            sent[Place.QUERY] = sent[Place.BODY] = {**sent[Place.QUERY], **sent[Place.BODY]}
        one = self._matching(sent)
        arguments = _arguments(one.endpoint, sent)
        twin = TWINS.get(one.family)
        if twin is None or endpoint_of(getattr(twin, one.method)) is not None:  # there is no rule for this endpoint
            return _sample(one.endpoint)
        found = getattr(twin(ApiCall(sandbox, account, request)), one.method)(**arguments)
        return _encoded(one.endpoint, await found if inspect.isawaitable(found) else found)

    def _matching(self, sent: Mapping[Place, JsonObject]) -> Declared:
        """Return the endpoint whose fixed values, and if possible required parameters, are in the request."""
        fitting = [one for one in self._declared if _has_fixed_values(one.endpoint, sent)]
        if not fitting:
            raise ApiError(INVALID_PARAMETER)
        return max(fitting, key=lambda one: (_has_required(one.endpoint, sent), len(one.endpoint.fixed_query)))


def _has_fixed_values(endpoint: Endpoint, sent: Mapping[Place, JsonObject]) -> bool:
    place = Place.QUERY if endpoint.method == "GET" else Place.BODY
    return all(find(sent[place], path.split(".")) == value for path, value in endpoint.fixed.items()) and all(
        sent[Place.QUERY].get(name) == str(value) for name, value in endpoint.fixed_query.items()
    )


def _has_required(endpoint: Endpoint, sent: Mapping[Place, JsonObject]) -> bool:
    return all(find(sent[one.place], one.key) is not None for one in endpoint.parameters if one.required)


def _caller(sandbox: Sandbox, request: web.Request, one: Declared) -> Account | None:
    if not one.endpoint.token:
        return None
    if one.kinds == ("component",):
        token = request.query.get("component_access_token") or request.query.get("access_token", "")
        return sandbox.account(sandbox.tokens.appid_of(token, TokenFamily.COMPONENT))
    if one.kinds == ("wecom",):
        return calling_account(request)[1]
    return sandbox.calling_account(request)


async def _read(request: web.Request) -> dict[Place, JsonObject]:
    sent: dict[Place, JsonObject] = {Place.QUERY: dict(request.query), Place.BODY: {}, Place.FILE: {}}
    if request.content_type == "multipart/form-data":
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or not part.name:
                    continue
                data = await _content(part)
                if part.filename:
                    sent[Place.FILE][part.name] = UploadFile(part.filename, data)
                else:
                    sent[Place.BODY][part.name] = data.decode()
        except ValueError as exc:  # not a multipart body
            raise ApiError(41005) from exc
    elif request.method == "POST":
        sent[Place.BODY] = await json_body(request)
    return sent


async def _content(part: BodyPartReader) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > MAX_FILE:
            raise ApiError(40006)
    return bytes(data)


def _arguments(endpoint: Endpoint, sent: Mapping[Place, JsonObject]) -> dict[str, Any]:
    """Return the arguments of the declared method; raises ApiError with the errcode of the first invalid one."""
    if any(one.place is Place.FILE and one.required for one in endpoint.parameters) and not sent[Place.FILE]:
        raise ApiError(41005)
    given: dict[str, Any] = {}
    for one in endpoint.parameters:
        found = find(sent[one.place], one.key) if one.key else _merged(endpoint, sent[Place.BODY])
        if found is not None:
            given[one.name] = found
    try:
        return endpoint.arguments.validate_python(given, extra="ignore")  # WeChat ignores unknown fields
    except ValidationError as exc:
        wrong = exc.errors(include_url=False, include_input=False)[0]
    name, *inner = wrong["loc"]
    parameter = next(one for one in endpoint.parameters if one.name == name)
    field = ".".join(map(str, (*parameter.key, *inner)))
    raise ApiError(errcode_at(parameter.hint, inner, parameter.errcode), f"{field}: {wrong['msg']}")


def _merged(endpoint: Endpoint, body: JsonObject) -> JsonObject:
    others = {one.key[0] for one in endpoint.parameters if one.key and one.place is Place.BODY}
    others |= {path.partition(".")[0] for path in endpoint.fixed}
    return {name: value for name, value in body.items() if name not in others}


def _encoded(endpoint: Endpoint, found: Any) -> web.Response:
    if isinstance(found, File):
        return web.Response(body=found.data, content_type=found.content_type)
    if isinstance(found, bytes):
        return web.Response(body=found, content_type="image/png")
    if found is None:
        return ok()
    value = endpoint.answer.dump_python(found, mode="json", by_alias=True, exclude_none=True)
    return _answered(endpoint, value)


def _sample(endpoint: Endpoint) -> web.Response:
    if endpoint.is_binary:
        return web.Response(body=PICTURE, content_type="image/png")
    if endpoint.returns is type(None):
        return ok()
    return _answered(endpoint, _sample_of(endpoint))


@cache
def _sample_of(endpoint: Endpoint) -> Any:
    return sample(
        endpoint.answer.json_schema(mode="serialization"), endpoint.answer_key[-1] if endpoint.answer_key else "value"
    )


def _answered(endpoint: Endpoint, value: Any) -> web.Response:
    body: JsonObject = {}
    put(body, endpoint.answer_key, value)
    return ok(**body)
