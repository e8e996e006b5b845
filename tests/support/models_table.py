"""Writes shared/src/wxbus/wechat/models.csv from the classes of messages and events: `make reference`."""

import csv
import io
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import wxbus.wechat.events
from wxbus.wechat.messages import base, kf, kf_events, robots, unknown, user
from wxbus.wechat.messages.base import Event, Message, Part
from wxbus.wechat.registry import PACKAGE, TABLE

UNKNOWN = {
    unknown.UnknownMessage: "unknown",
    unknown.UnknownEvent: "event:unknown",
    unknown.UnknownComponentEvent: "component:unknown",
}


def table() -> str:
    """Return the table. A class without tags is a base class, or a part of a message."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "module", "tags"])
    for model in _classes():
        writer.writerow([model.__name__, model.__module__.removeprefix(PACKAGE), ";".join(_tags(model))])
    return text.getvalue()


def _modules() -> Iterator[ModuleType]:
    yield from (user, kf, kf_events, robots)
    package = wxbus.wechat.events
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        yield import_module(f"{package.__name__}.{found.name}")
    yield from (unknown, base)


def _classes() -> Iterator[type[Part]]:
    for module in _modules():
        for name, one in vars(module).items():
            if isinstance(one, type) and issubclass(one, Part) and one.__module__ == module.__name__ and name[0] != "_":
                yield one


def _tags(model: type[Part]) -> Iterator[str]:
    """Yield the tags of the names that a class declares; a base class declares none."""
    if model in UNKNOWN:
        yield UNKNOWN[model]
    elif issubclass(model, Message):
        name = model.model_fields["event" if issubclass(model, Event) else "msg_type"].default
        if isinstance(name, str):
            change = model.model_fields["change_type"].default if "change_type" in model.model_fields else ""
            suffix = f":{change}" if change else ""
            yield from (f"{model.family}{one.lower()}{suffix}" for one in (name, *model.other_names))


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
