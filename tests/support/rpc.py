"""A small service and the API keys of its callers."""

import asyncio
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from wxbus.rpc import method, service
from wxbus.rpc.auth.keys import KeyEntry, new_key
from wxbus.rpc.service.call import current_call

SECRET_TEXT = "hunter2-hunter2"


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    appid: str
    times: int = 1


class Reply(BaseModel):
    text: str
    caller: str


@service("echo")
class Echo:
    """The service that the tests call."""

    def __init__(self) -> None:
        self.calls: list[Question] = []
        self.error: Exception | None = None
        self.called = asyncio.Event()
        self.ended = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = 0

    @method(Question, scopes=["echo:say:{appid}"])
    async def say(self, request: Question) -> Reply:
        """Return the caller."""
        self.calls.append(request)
        self.called.set()
        self.running += 1
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
            self.ended.set()
        if self.error:
            raise self.error
        principal = current_call().principal
        return Reply(text=request.appid * request.times, caller=principal.name if principal else "")

    async def unmarked(self, request: Question) -> Reply:
        """A public method that callers cannot call."""
        raise AssertionError(f"called with {request}")


@dataclass
class Keys:
    """Keys of callers with different scopes."""

    full: str = ""
    one: str = ""
    other: str = ""
    entries: list[KeyEntry] = field(default_factory=list)


def new_keys() -> Keys:
    """Return three keys: for every appid, for `wx1` only, for another method."""
    made = Keys()
    for name, scope in (("full", "echo:say:*"), ("one", "echo:say:wx1"), ("other", "token:get:*")):
        key, entry = new_key(name, [scope])
        setattr(made, name, key)
        made.entries.append(entry)
    return made
