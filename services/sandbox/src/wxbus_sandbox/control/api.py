"""The control API under `/sandbox/`: lets users act, shows what reached them, breaks things; see `models`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from wxbus.accounts.models import Account
from wxbus.errors import ConfigurationError, UnknownAccount
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.messages.identity import openid_of
from wxbus_sandbox.models import (
    AdvanceRequest,
    Fault,
    Invalidation,
    LoginRequest,
    SendRequest,
    SendResult,
    Sent,
    VerifyRequest,
)
from wxbus_sandbox.pushes.composing import Composer, scalars
from wxbus_sandbox.pushes.pushing import Pusher
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX, Sandbox

M = TypeVar("M", bound=BaseModel)

COMPOSER: Final = web.AppKey("composer", Composer)
PUSHER: Final = web.AppKey("pusher", Pusher)
MAX_WAIT: Final = 60.0


async def send(request: web.Request) -> web.Response:
    """Let a user do something, push it, and answer with what became of it."""
    wanted = await read(request, SendRequest)
    sandbox = request.app[SANDBOX]
    account, platform = account_named(sandbox, wanted.account), None
    if wanted.authorizer_appid is not None:
        account, platform = _authorizer(sandbox, wanted.authorizer_appid, account), account
    try:
        push = request.app[COMPOSER].compose(account, wanted)
    except ValueError as exc:
        raise bad(str(exc)) from exc
    mode, form = wanted.mode or account.modes[0], Format(wanted.format or account.formats[0])
    if openid := openid_of(scalars(push)):
        sandbox.users.acted(account, openid, push)
    try:
        result = await request.app[PUSHER].push(account, push, mode, form, platform=platform, copies=wanted.copies)
    except (ConfigurationError, ValueError) as exc:  # no key for this mode; a name that XML cannot write
        raise bad(str(exc)) from exc
    return to_json(result)


async def sent(request: web.Request) -> web.Response:
    """Answer with the customer-service messages that users got; `wait` seconds for `count` of them."""
    openid, account = request.query.get("openid"), request.query.get("account")
    since = _number(request, "since", 0.0)

    def wanted(one: Sent) -> bool:
        return one.time >= since and openid in {None, one.openid} and account in {None, one.account}

    found = await request.app[SANDBOX].sent.wait(
        wanted, count=int(_number(request, "count", 1)), timeout=min(_number(request, "wait", 0.0), MAX_WAIT)
    )
    return _json_list(found)


async def pushes(request: web.Request) -> web.Response:
    """Answer with the pushes made, with all their attempts."""
    openid, account = request.query.get("openid"), request.query.get("account")

    def wanted(one: SendResult) -> bool:
        return openid in {None, one.openid} and account in {None, one.account}

    return _json_list(request.app[SANDBOX].pushes.find(wanted))


async def faults(request: web.Request) -> web.Response:
    """Let the next calls of a path fail."""
    request.app[SANDBOX].faults.add(await read(request, Fault))
    return web.json_response({})


async def tokens(request: web.Request) -> web.Response:
    """Answer with how often tokens were fetched, by appid."""
    return web.json_response({appid: asdict(counts) for appid, counts in request.app[SANDBOX].tokens.counts().items()})


async def invalidate(request: web.Request) -> web.Response:
    """Make an account's tokens invalid before their time."""
    wanted, sandbox = await read(request, Invalidation), request.app[SANDBOX]
    try:
        appid = sandbox.account(wanted.appid).appid
    except UnknownAccount as exc:
        raise bad(str(exc), status=404) from exc
    sandbox.tokens.invalidate(appid, Family(wanted.family) if wanted.family else None, stuck=wanted.stuck)
    return web.json_response({})


async def login(request: web.Request) -> web.Response:
    """Answer with the code that a Mini Program's page would get for a user."""
    wanted, sandbox = await read(request, LoginRequest), request.app[SANDBOX]
    account = account_named(sandbox, wanted.account)
    return web.json_response({"js_code": sandbox.logins.begin(account.appid, wanted.openid)})


async def verify(request: web.Request) -> web.Response:
    """Verify an account's address as the console does when it is saved."""
    wanted = await read(request, VerifyRequest)
    try:
        return to_json(await request.app[PUSHER].verify(account_named(request.app[SANDBOX], wanted.account)))
    except ConfigurationError as exc:
        raise bad(str(exc)) from exc


async def advance(request: web.Request) -> web.Response:
    """Put the clock forward, and answer with the time it shows then."""
    clock = request.app[SANDBOX].clock
    clock.advance((await read(request, AdvanceRequest)).advance)
    return web.json_response({"now": clock.now()})


async def reset(request: web.Request) -> web.Response:
    """Forget everything."""
    request.app[SANDBOX].reset()
    return web.json_response({})


def routes() -> list[web.RouteDef]:
    """Return the routes of the control API."""
    return [
        web.post("/sandbox/send", send),
        web.get("/sandbox/sent", sent),
        web.get("/sandbox/pushes", pushes),
        web.post("/sandbox/faults", faults),
        web.get("/sandbox/tokens", tokens),
        web.post("/sandbox/tokens/invalidate", invalidate),
        web.post("/sandbox/login", login),
        web.post("/sandbox/verify", verify),
        web.post("/sandbox/clock", advance),
        web.post("/sandbox/reset", reset),
    ]


async def read(request: web.Request, model: type[M]) -> M:
    """Return what a request asks for, or answer 400 with what is wrong."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as exc:
        problems = (f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}" for error in exc.errors())
        raise bad("; ".join(problems)) from exc


def account_named(sandbox: Sandbox, name: str) -> Account:
    """Return the account, or answer 404 with those there are."""
    try:
        return sandbox.accounts.named(name)
    except UnknownAccount as exc:
        known = ", ".join(account.name for account in sandbox.accounts)
        raise bad(f"there is no account of this name; there are: {known}", status=404) from exc


def _authorizer(sandbox: Sandbox, appid: str, platform: Account) -> Account:
    try:
        account = sandbox.account(appid)
    except UnknownAccount:
        account = None
    if account is None or account.component != platform.name:
        raise bad(f"{appid} has not authorised {platform.name}", status=404)
    return account


def _number(request: web.Request, name: str, default: float) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError as exc:
        raise bad(f"{name}: must be a number") from exc


def bad(message: str, *, status: int = 400) -> web.HTTPException:
    """Return the answer to a request that cannot be granted."""
    kind = web.HTTPNotFound if status == 404 else web.HTTPBadRequest
    return kind(text=json.dumps({"error": message}, ensure_ascii=False), content_type="application/json")


def to_json(model: BaseModel) -> web.Response:
    """Return the answer that has the model."""
    return web.Response(text=model.model_dump_json(), content_type="application/json")


_LIST: Final[TypeAdapter[Sequence[BaseModel]]] = TypeAdapter(Sequence[BaseModel])


def _json_list(models: Sequence[BaseModel]) -> web.Response:
    return web.Response(body=_LIST.dump_json(models, serialize_as_any=True), content_type="application/json")
