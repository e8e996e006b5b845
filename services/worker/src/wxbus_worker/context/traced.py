"""A context before and after a message, for the trace of the message (decision 0048)."""

import json
from typing import Any, Final

from wxbus.runtime.redaction import BLANK
from wxbus.runtime.secret_names import is_secret_name
from wxbus_worker.context.context import Context, encode, stored

MAX_TEXT: Final = 1_000
"""Characters of one text."""
MAX_BYTES: Final = 8 * 1024
"""Bytes of one context; the rest is left out."""


def traced_contexts(context: Context[Any], *, removed: bool) -> dict[str, str]:
    """Return the attributes of the commit: JSON of the context as it was opened, and as it will be written."""
    after = "" if removed else _shown(encode(context))
    return {"wxbus__context__before": _shown(stored(context)), "wxbus__context__after": after}


def _shown(encoded: bytes) -> str:
    if not encoded:
        return ""
    head, storage, *records = encoded.split(b"\n")
    read = json.loads(head)
    requests = read.pop("requests", 0)
    read.pop("window", None)
    found = {
        **read,
        "storage": json.loads(storage or b"null"),
        "requests": [json.loads(record) for record in records[:requests]],
        "responses": [json.loads(record) for record in records[requests:]],
    }
    text = json.dumps(_without_secrets(found), ensure_ascii=False, indent=1)
    size = len(text.encode())
    return text if size <= MAX_BYTES else text.encode()[:MAX_BYTES].decode(errors="ignore") + "\n…"


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: BLANK if found and is_secret_name(name) else _without_secrets(found)
                for name, found in value.items()
            }
        case list():
            return [_without_secrets(item) for item in value]
        case str() if len(value) > MAX_TEXT:
            return value[:MAX_TEXT] + "…"
    return value
