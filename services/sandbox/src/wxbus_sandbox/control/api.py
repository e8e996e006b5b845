"""The control API under `/sandbox/`: received messages, faults, tokens and the clock; see `models`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from wxbus.accounts.models import Account
from wxbus.errors import ConfigurationError, UnknownAccount
from wxbus_sandbox.control.requests import (
    AdvanceRequest,
    Invalidation,
    VerifyRequest,
)
from wxbus_sandbox.models import (
    Fault,
    SendResult,
    Sent,
)
from wxbus_sandbox.pushes.composer import Composer
from wxbus_sandbox.pushes.pusher import Pusher
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX, Sandbox

M = TypeVar("M", bound=BaseModel)

COMPOSER: Final = web.AppKey("composer", Composer)
PUSHER: Final = web.AppKey("pusher", Pusher)
MAX_WAIT: Final = 60.0


async def sent(request: web.Request) -> web.Response:
    """Answer with the messages that users received; wait up to `wait` seconds for `count` of them."""
    openid, account = request.query.get("openid"), request.query.get("account")
    since = number(request, "since", 0.0)

    def matches(message: Sent) -> bool:
        return message.time >= since and openid in {None, message.openid} and account in {None, message.account}

    found = await request.app[SANDBOX].sent.wait(
        matches, count=int(number(request, "count", 1)), timeout=min(number(request, "wait", 0.0), MAX_WAIT)
    )
    return _json_list(found)


async def pushes(request: web.Request) -> web.Response:
    """Answer with all pushes and their attempts; wait up to `wait` seconds for `count` of them."""
    openid, account, event = (request.query.get(name) for name in ("openid", "account", "event"))

    def matches(push: SendResult) -> bool:
        return (
            openid in {None, push.openid}
            and account in {None, push.account}
            and event in {None, push.message.get("Event"), push.message.get("InfoType")}
        )

    found = await request.app[SANDBOX].pushes.wait(
        matches, count=int(number(request, "count", 1)), timeout=min(number(request, "wait", 0.0), MAX_WAIT)
    )
    return _json_list(found)


async def faults(request: web.Request) -> web.Response:
    """Inject a fault into the next calls of a path."""
    request.app[SANDBOX].faults.add(await read(request, Fault))
    return web.json_response({})


async def pending_faults(request: web.Request) -> web.Response:
    """Answer with the pending faults; `times` is the number of calls that each still affects."""
    pending = request.app[SANDBOX].faults.pending()
    return _json_list([fault.model_copy(update={"times": remaining}) for fault, remaining in pending])


async def end_faults(request: web.Request) -> web.Response:
    """Remove all faults and end all delays."""
    request.app[SANDBOX].faults.reset()
    return web.json_response({})


async def tokens(request: web.Request) -> web.Response:
    """Answer with the token fetches by appid."""
    return web.json_response({appid: asdict(counts) for appid, counts in request.app[SANDBOX].tokens.counts().items()})


async def invalidate(request: web.Request) -> web.Response:
    """Invalidate the tokens of an account early."""
    body, sandbox = await read(request, Invalidation), request.app[SANDBOX]
    try:
        named = {account.name: account.appid for account in sandbox.accounts}
        appid = sandbox.account(named.get(body.appid, body.appid)).appid
    except UnknownAccount as exc:
        raise http_error(str(exc), status=404) from exc
    sandbox.tokens.invalidate(appid, Family(body.family) if body.family else None, stuck=body.stuck)
    return web.json_response({})


async def verify(request: web.Request) -> web.Response:
    """Verify an account's address as WeChat's console does."""
    body = await read(request, VerifyRequest)
    try:
        return to_json(await request.app[PUSHER].verify(account_named(request.app[SANDBOX], body.account)))
    except ConfigurationError as exc:
        raise http_error(str(exc)) from exc


async def advance(request: web.Request) -> web.Response:
    """Advance the clock and answer with the new time."""
    clock = request.app[SANDBOX].clock
    clock.advance((await read(request, AdvanceRequest)).advance)
    return web.json_response({"now": clock.now()})


async def reset(request: web.Request) -> web.Response:
    """Clear all state."""
    request.app[SANDBOX].reset()
    return web.json_response({})


def routes() -> list[web.RouteDef]:
    """Return the routes of the control API."""
    return [
        web.get("/sandbox/sent", sent),
        web.get("/sandbox/pushes", pushes),
        web.post("/sandbox/faults", faults),
        web.get("/sandbox/faults", pending_faults),
        web.delete("/sandbox/faults", end_faults),
        web.get("/sandbox/tokens", tokens),
        web.post("/sandbox/tokens/invalidate", invalidate),
        web.post("/sandbox/verify", verify),
        web.post("/sandbox/clock", advance),
        web.post("/sandbox/reset", reset),
    ]


async def read(request: web.Request, model: type[M]) -> M:
    """Return the request's body; respond 400 with the reasons if it is not valid."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as exc:
        problems = (f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}" for error in exc.errors())
        raise http_error("; ".join(problems)) from exc


def account_named(sandbox: Sandbox, name: str) -> Account:
    """Return the account; respond 404 with the known names if there is none."""
    try:
        return sandbox.accounts.named(name)
    except UnknownAccount as exc:
        known = ", ".join(account.name for account in sandbox.accounts)
        raise http_error(f"there is no account of this name; known accounts: {known}", status=404) from exc


def number(request: web.Request, name: str, default: float) -> float:
    """Return a parameter of the query; respond 400 if it is not a number."""
    try:
        return float(request.query.get(name, default))
    except ValueError as exc:
        raise http_error(f"{name}: must be a number") from exc


def http_error(message: str, *, status: int = 400) -> web.HTTPException:
    """Return an error response."""
    kind = {403: web.HTTPForbidden, 404: web.HTTPNotFound, 409: web.HTTPConflict}.get(status, web.HTTPBadRequest)
    return kind(text=json.dumps({"error": message}, ensure_ascii=False), content_type="application/json")


def to_json(model: BaseModel) -> web.Response:
    """Return a response with the model."""
    return web.Response(text=model.model_dump_json(), content_type="application/json")


_LIST: Final[TypeAdapter[Sequence[BaseModel]]] = TypeAdapter(Sequence[BaseModel])


def _json_list(models: Sequence[BaseModel]) -> web.Response:
    return web.Response(body=_LIST.dump_json(models, serialize_as_any=True), content_type="application/json")
