"""The names of events, for the command `trigger`."""

from difflib import get_close_matches
from typing import Final

from wxbus.wechat.registry import model_of, models
from wxbus_sandbox.models import SendRequest

OTHERS: Final = ("kf:", "robot:")
"""Families of tags that are not pushes of their own."""


def names(*, family: str = "event") -> list[str]:
    """Return the names of all events, or with `component` those of third-party platforms, as WeChat writes them."""
    found = {_name(tag) for tag in models() if tag.startswith(f"{family}:")}
    return sorted(found - {""}, key=str.lower)


def event_request(name: str, fields: dict[str, str], *, known: bool = True, **options: object) -> SendRequest:
    """Return the request for an event.

    Args:
        name: The name in any case.
        fields: Its fields.
        known: Whether it must have a model.
        options: Further fields of the request.

    Raises:
        ValueError: There is no such event; the text has similar names.
    """
    if not name:
        raise ValueError("name the event, like: trigger subscribe; --list shows all")
    for family in ("event", "component"):
        by_lower = {one.lower(): one for one in names(family=family)}
        if found := by_lower.get(name.lower()):
            kind = {"type": "event", "event": found} if family == "event" else {"type": found}
            return SendRequest.model_validate({**kind, "fields": fields, **options})
    if not known:
        return SendRequest.model_validate({"type": "event", "event": name, "fields": fields, **options})
    everything = [*names(), *names(family="component")]
    similar = get_close_matches(name.lower(), [one.lower() for one in everything], n=3, cutoff=0.5)
    hint = f"; similar: {', '.join(one for one in everything if one.lower() in similar)}" if similar else ""
    raise ValueError(f"there is no event {name!r}{hint}; --any sends it anyway")


def _name(tag: str) -> str:
    """Return the name of a tag's event, as its model writes it."""
    model, (_, name) = model_of(tag), tag.split(":", 1)
    if model is None or ":" in name or name == "unknown":
        return ""
    field = model.model_fields.get("event") or model.model_fields.get("info_type")
    default = field.default if field else None
    return default if isinstance(default, str) and default.lower() == name else name
