"""The session state in each answer: a field of JSON answers and problem documents, headers of other formats."""

import json
from collections.abc import Mapping
from typing import Final

from wxbus.rpc.codec import problems
from wxbus.rpc.service.call import Answer
from wxbus_gateway.sessions.session import FoundSession

JSON: Final = "application/json"
HEADER: Final = "WXBus-Session"
"""Prefix of the names of the headers; this header has the token."""


def wrap(answer: Answer, found: FoundSession | None) -> Mapping[str, str]:
    """Put the session state into a JSON answer: `{"result": ..., "session": ...}`; return headers for other formats."""
    if answer.content_type == JSON:
        answer.body = b'{"result":%b,"session":%b}' % (answer.body, _json(found))
        return {}
    if found is None:
        return {}
    if answer.content_type == problems.CONTENT_TYPE:
        answer.body = b'%b,"session":%b}' % (answer.body.rstrip().removesuffix(b"}"), _json(found))
        return {}
    state = found.state
    headers = {
        HEADER: state.token,
        f"{HEADER}-Expires-In": str(state.expires_in),
        f"{HEADER}-Profile": str(state.profile).lower(),
        f"{HEADER}-Phone": str(state.phone).lower(),
        f"{HEADER}-Data": json.dumps(state.data),  # ASCII
    }
    return headers if state.uid is None else {**headers, f"{HEADER}-Uid": json.dumps(state.uid)}


def _json(found: FoundSession | None) -> bytes:
    return b"null" if found is None else found.state_json
