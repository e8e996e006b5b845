"""Export and import of conversations as files (decision 0051)."""

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

import tomli_w
from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.conversations import (
    HEADER,
    Conversation,
    Reply,
    Turn,
    differences,
    message_seen,
    parse_conversation,
    passive_reply_seen,
    recorded,
    shown,
)
from wxbus.errors import ConfigurationError
from wxbus_sandbox.control.actions import act
from wxbus_sandbox.control.api import MAX_WAIT, account_named, http_error, number, to_json
from wxbus_sandbox.control.requests import PlayedTurn, PlayResult
from wxbus_sandbox.models import Outcome, SendRequest, SendResult, Sent
from wxbus_sandbox.state import SANDBOX, Sandbox

MEDIA: Final = ("MediaId", "PicUrl", "ThumbMediaId", "ThumbUrl")
"""Fields of a user's file."""
SEEN: Final = {Outcome.REPLIED, Outcome.TRANSFERRED}
SURPLUS_WAIT: Final = 0.5
"""Seconds after the expected replies in which a further one would come."""


async def export(request: web.Request) -> web.Response:
    """Answer with what users of `account` wrote and received since `since`, as TOML; `openid` may be repeated."""
    sandbox = request.app[SANDBOX]
    account = _conversable(account_named(sandbox, request.query.get("account", "")))
    conversation = recording(sandbox, account, request.query.getall("openid", []), number(request, "since", 0.0))
    written = {**conversation.model_dump(mode="json", exclude_none=True, exclude={"turns"})}
    turns = [turn.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for turn in conversation.turns]
    text = tomli_w.dumps({**written, "turns": [_without_none(turn) for turn in turns]})
    name = f'attachment; filename="{account.name}.toml"'
    return web.Response(text=text, content_type="application/toml", headers={"Content-Disposition": name})


async def play(request: web.Request) -> web.Response:
    """Play a conversation, wait up to `wait` seconds for the replies to each turn, and answer with the differences."""
    try:
        conversation = parse_conversation((await request.read()).decode())
    except UnicodeDecodeError as exc:
        raise http_error("the conversation is not UTF-8") from exc
    except ConfigurationError as exc:
        raise http_error(str(exc)) from exc
    account = _conversable(account_named(request.app[SANDBOX], request.query.get("account") or conversation.account))
    wait = min(number(request, "wait", 5.0), MAX_WAIT)
    turns = []
    for index, turn in enumerate(conversation.turns, start=1):
        user = conversation.user_of(turn)
        result, received = await _turn(request.app, account, turn, user, wait)
        turns.append(
            PlayedTurn(
                number=index,
                user=user,
                title=turn.title(),
                outcome=result.outcome,
                replies=tuple(shown(reply) for reply in received),
                differences=tuple(differences(turn, received)),
            )
        )
    return to_json(PlayResult(turns=tuple(turns)))


def recording(sandbox: Sandbox, account: Account, openids: list[str], since: float) -> Conversation:
    """Return the pushes of users, each with the replies until the user's next push; repeated pushes once."""
    wanted = _of(account.name, openids, since)
    pushes: dict[str, SendResult] = {}
    for push in sandbox.pushes.find(wanted):
        if push.openid is not None:
            pushes.setdefault(json.dumps(push.message, sort_keys=True), push)
    received: defaultdict[str, deque[Sent]] = defaultdict(deque)
    for sent in sandbox.sent.find(wanted):
        received[sent.openid].append(sent)
    turns = deque[Turn]()
    for push in sorted(pushes.values(), key=lambda push: push.time, reverse=True):
        replies = deque[Reply]()
        while (left := received[push.openid or ""]) and left[-1].time >= push.time:  # those of later pushes are gone
            replies.appendleft(message_seen(left.pop().payload))
        turns.appendleft(_recorded_turn(push, [*_passively(push), *replies]))
    (main, _), *_ = Counter(turn.user for turn in turns).most_common(1) or [(Conversation().user, 0)]
    return Conversation(
        account=account.name,
        kind=account.kind,  # type: ignore[arg-type]  # _conversable
        user=main,
        turns=tuple(turn.model_copy(update={"user": "" if turn.user == main else turn.user}) for turn in turns),
    )


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.get("/sandbox/conversation", export), web.post("/sandbox/conversation", play)]


def _of(account: str, openids: list[str], since: float) -> Callable[[SendResult | Sent], bool]:
    return lambda one: one.account == account and one.time >= since and (not openids or one.openid in openids)


async def _turn(
    app: web.Application, account: Account, turn: Turn, user: str, wait: float
) -> tuple[SendResult, list[Reply]]:
    """Push a turn; return the result, and the replies that came in time."""
    sandbox, fields = app[SANDBOX], turn.content()
    if not sandbox.media.is_valid(account.appid, str(fields.get("MediaId"))):  # of another run: composed anew
        fields = {name: value for name, value in fields.items() if name not in MEDIA}
    action = SendRequest(account=account.name, openid=user, type=turn.message_type, event=turn.event, fields=fields)
    result = await act(app, action)
    expected = len(turn.replies or ()) - (result.outcome in SEEN)
    wanted = _of(account.name, [user], result.time)
    if expected > 0:
        await sandbox.sent.wait(wanted, count=expected, timeout=wait)
    if turn.replies is not None:
        await sandbox.sent.wait(wanted, count=expected + 1, timeout=min(wait, SURPLUS_WAIT))
    return result, [*_passively(result), *(message_seen(sent.payload) for sent in sandbox.sent.find(wanted))]


def _passively(push: SendResult) -> list[Reply]:
    """Return the passive reply to a push, if the user sees it."""
    return [passive_reply_seen(push.reply)] if push.reply is not None and push.outcome in SEEN else []


def _recorded_turn(push: SendResult, received: list[Reply]) -> Turn:
    message, kind = push.message, str(push.message.get("MsgType", ""))
    fields = {name: value for name, value in message.items() if name not in HEADER}
    given: dict[str, Any] = {"user": push.openid, "replies": tuple(recorded(reply) for reply in received)}
    match kind:
        case "event":
            given["event"] = str(message.get("Event", ""))
        case "text":
            given["text"] = str(fields.pop("Content", ""))
        case _:
            given["type"] = kind
    return Turn(fields=fields, **given)


def _conversable(account: Account) -> Account:
    if account.kind is AccountKind.COMPONENT or account.is_robot:
        raise http_error(
            f"account {account.name}: conversations are with Official Accounts, Mini Programs and applications of WeCom"
        )
    return account


def _without_none(value: Any) -> Any:
    """Return the value without members that are None, which TOML does not have."""
    if isinstance(value, dict):
        return {name: _without_none(member) for name, member in value.items() if member is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
