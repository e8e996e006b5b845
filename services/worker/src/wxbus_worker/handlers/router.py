"""Which handler gets which message.

    router = Router("orders")

    @router.text(prefix="order ")
    async def order(message: TextMessage, context: Context) -> reply.Text: ...

The first route that wants a message has it, in the order of registration; what a handler may take: `injection`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar, Unpack, overload

from wxbus.errors import ConfigurationError
from wxbus.wechat import (
    DeviceEventMessage,
    DeviceStatusMessage,
    DeviceTextMessage,
    Event,
    FileMessage,
    HardwareMessage,
    ImageMessage,
    LinkMessage,
    LocationMessage,
    Message,
    MiniProgramPageMessage,
    ShortVideoMessage,
    TextMessage,
    VideoMessage,
    VoiceMessage,
)
from wxbus_worker.context.context import DEFAULT_EXPIRE_AFTER, DEFAULT_MAX_RECORD_COUNT, ContextPolicy
from wxbus_worker.context.storage import StorageModel
from wxbus_worker.handlers import filters as want
from wxbus_worker.handlers.filters import OneOrMore
from wxbus_worker.handlers.injection import Handler
from wxbus_worker.handlers.registry import Registry
from wxbus_worker.handlers.route import RouteOptions

M = TypeVar("M", bound=Message)
H = TypeVar("H", bound=Handler)


class On(Generic[M]):
    """Registers handlers for one type of message: `@router.image`, `@router.image(when=...)`."""

    def __init__(self, router: "Router", takes: type[M]) -> None:
        self._router = router
        self._takes = takes

    @overload
    def __call__(self, handler: H, /) -> H: ...

    @overload
    def __call__(
        self,
        *,
        when: Callable[[M], bool] | None = None,
        state: OneOrMore | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]: ...

    def __call__(self, *handler: Any, when: Any = None, state: Any = None, **options: Any) -> Any:
        """Register for all messages of the type, or those for which `when` is true, in a state of the conversation."""
        conditions = want.state(state) + want.predicate(when)
        register = partial(self._router.add, takes=self._takes, conditions=conditions, **options)
        return register(*handler) if handler else register


class Router(Registry):
    """Routes of one topic. Include it in another, or run a worker with it."""

    def __init__(
        self,
        name: str = "router",
        *,
        expire_after: timedelta = DEFAULT_EXPIRE_AFTER,
        max_record_count: int = DEFAULT_MAX_RECORD_COUNT,
        storage: StorageModel | None = None,
        features: Sequence[type] = (),
    ) -> None:
        """The context settings are those of the router that a worker runs; one included in it cannot have others.

        Args:
            name: For logs and errors.
            expire_after: Time after a user's last message at which the context is forgotten.
            max_record_count: Requests and responses a context keeps; 0 or less: all.
            storage: What `context.storage` is: a pydantic model whose fields have defaults; None: a dict.
            features: Types that middleware leaves, its own or that of a router around: handlers may take them.
        """
        super().__init__(name, features, ContextPolicy(expire_after, max_record_count, storage))
        self.image = On(self, ImageMessage)
        self.voice = On(self, VoiceMessage)
        self.video = On(self, VideoMessage)
        self.short_video = On(self, ShortVideoMessage)
        self.location = On(self, LocationMessage)
        self.link = On(self, LinkMessage)
        self.file = On(self, FileMessage)
        self.mini_program_page = On(self, MiniProgramPageMessage)
        self.device_text = On(self, DeviceTextMessage)
        self.device_event = On(self, DeviceEventMessage)
        self.device_status = On(self, DeviceStatusMessage)
        self.hardware = On(self, HardwareMessage)

    @overload
    def text(self, handler: H, /) -> H: ...

    @overload
    def text(
        self,
        *exact: str,
        prefix: str | None = None,
        regex: str | re.Pattern[str] | None = None,
        when: Callable[[TextMessage], bool] | None = None,
        state: OneOrMore | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]: ...

    def text(
        self,
        *exact: Any,
        prefix: str | None = None,
        regex: str | re.Pattern[str] | None = None,
        when: Callable[[TextMessage], bool] | None = None,
        state: OneOrMore | None = None,
        **options: Unpack[RouteOptions],
    ) -> Any:
        """Register for texts; without an argument for all of them, with several for those that fulfil all.

        Args:
            exact: The text is one of these, spaces around it left out.
            prefix: It starts with this.
            regex: Its start matches (`re.match`); a named group is given to the handler's parameter of that name.
            when: This is true of the message.
            state: The conversation is in this state, or one of these: `context.state`, "" if none was set.
            options: See `RouteOptions`.
        """
        if len(exact) == 1 and callable(exact[0]):
            return self.add(exact[0], takes=TextMessage)
        conditions = want.state(state)
        groups: frozenset[str] = frozenset()
        if exact:
            conditions += (want.exact(exact),)
        if prefix is not None:
            conditions += (want.prefix(prefix),)
        if regex is not None:
            pattern = want.compiled(regex)
            groups = frozenset(pattern.groupindex)
            conditions += (want.regex(pattern),)
        conditions += want.predicate(when)
        return partial(self.add, takes=TextMessage, conditions=conditions, groups=groups, **options)

    def message(
        self,
        takes: type[M],
        *,
        when: Callable[[M], bool] | None = None,
        state: OneOrMore | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for messages of this type and its subtypes: `UserMessage` is everything that users send."""
        if not want.is_type(takes, Message):
            raise ConfigurationError(f"router {self.name}: {takes!r} is no type of message")
        return partial(self.add, takes=takes, conditions=want.state(state) + want.predicate(when), **options)

    def event(
        self,
        takes: type[M] | str,
        *,
        key: OneOrMore | None = None,
        scene: OneOrMore | None = None,
        when: Callable[[M], bool] | None = None,
        state: OneOrMore | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for events of this type, or of this name, in whatever case, if there is no type for it.

        Args:
            takes: Type or name.
            key: `event_key` is this, or one of these: the line of a menu.
            scene: The QR code's scene is.
            when: This is true of the event.
            state: The conversation is in this state, or one of these.
            options: See `RouteOptions`.
        """
        conditions = want.state(state)
        kind: type[Message] = Event
        if isinstance(takes, str):
            conditions += (want.event_name(takes),)
        elif want.is_type(takes, Event):
            kind = takes
        else:
            raise ConfigurationError(f"router {self.name}: {takes!r} is no type of event")
        for name, values in (("event_key", key), ("scene", scene)):
            if values is not None:
                conditions += (want.field(kind, name, values),)
        return partial(self.add, takes=kind, conditions=conditions + want.predicate(when), **options)
