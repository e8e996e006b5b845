"""The control API of the humans in WeChat's customer-service tool; see `requests`."""

from typing import Final

from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.api.endpoints.customer_service_accounts import KfPerson
from wxbus_sandbox.control.api import account_named, http_error, read, to_json
from wxbus_sandbox.control.requests import AgentAnswerRequest, AgentRequest
from wxbus_sandbox.families.service_desk import ServiceDesk
from wxbus_sandbox.pushes.results import RESULTS
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import SANDBOX

FIRST_ID: Final = "1001"
NO_CONVERSATION: Final = "the user has no conversation with a human: accept it first"


async def conversations(request: web.Request) -> web.Response:
    """Answer with the users who wait for a human, the conversations, and the agents."""
    state = _desk(request, _account(request, request.query.get("account", ""))).state
    sessions = (
        {"openid": openid, "agent": session.kf_account, "since": session.createtime and session.createtime.timestamp()}
        for openid, session in state.sessions.items()
    )
    return web.json_response(
        {
            "agents": [{"agent": person.kf_account, "name": person.kf_nick} for person in state.people.values()],
            "waiting": [{"openid": openid, "since": since.timestamp()} for openid, since in state.waiting.items()],
            "sessions": list(sessions),
        }
    )


async def accept(request: web.Request) -> web.Response:
    """Begin the conversation of a human with a user; an account without agents gets one."""
    body = await read(request, AgentRequest)
    account = _account(request, body.account)
    desk = _desk(request, account)
    agent = body.agent or next(iter(desk.state.people), f"kf1@{account.name}")
    desk.state.people.setdefault(agent, KfPerson(kf_id=FIRST_ID, kf_account=agent, kf_nick=agent, kf_wx="sandbox"))
    try:
        desk.open(agent, body.openid)
    except ApiError as exc:
        raise http_error("another agent has the conversation with this user", status=409) from exc
    return web.json_response({"agent": agent})


async def answer(request: web.Request) -> web.Response:
    """Let the human of a conversation write to the user; answer with the message."""
    body = await read(request, AgentAnswerRequest)
    try:
        return to_json(_desk(request, _account(request, body.account)).answer(body.openid, body.type, body.content))
    except ApiError as exc:
        raise http_error(NO_CONVERSATION, status=409) from exc


async def close(request: web.Request) -> web.Response:
    """End the conversation of a user, whose messages are pushed again."""
    body = await read(request, AgentRequest)
    desk = _desk(request, _account(request, body.account))
    session = desk.state.sessions.get(body.openid)
    if session is None:
        raise http_error(NO_CONVERSATION, status=409)
    desk.close(session.kf_account, body.openid)
    return web.json_response({})


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.get("/sandbox/customer_service", conversations),
        web.post("/sandbox/customer_service/accept", accept),
        web.post("/sandbox/customer_service/answer", answer),
        web.post("/sandbox/customer_service/close", close),
    ]


def _account(request: web.Request, name: str) -> Account:
    return account_named(request.app[SANDBOX], name)


def _desk(request: web.Request, account: Account) -> ServiceDesk:
    return ServiceDesk(request.app[SANDBOX], account, request.app[RESULTS])
