"""Registers handlers for types of message.

    router = Router("orders")

    @router.text(prefix="order ")
    async def order(message: TextMessage, context: Context) -> reply.Text: ...

The first route that matches a message gets it, in the order of registration.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, Unpack, overload

from wxbus.errors import ConfigurationError
from wxbus.sockets.signals import CONNECTED, DISCONNECTED, MESSAGE_PREFIX
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
from wxbus_worker.context.slices import Slice
from wxbus_worker.context.storage import StorageModel, check_model
from wxbus_worker.handlers import filters
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.filters import Condition, OneOrMore, When
from wxbus_worker.handlers.hints import Handler
from wxbus_worker.handlers.on import On
from wxbus_worker.handlers.route import RouteOptions
from wxbus_worker.handlers.signal import Signal

M = TypeVar("M", bound=Message)
H = TypeVar("H", bound=Handler)


class Router(BaseRouter):
    """Routes of one topic. Include it in another router, or run a worker with it."""

    def __init__(
        self,
        name: str = "router",
        *,
        expire_after: timedelta = DEFAULT_EXPIRE_AFTER,
        max_record_count: int = DEFAULT_MAX_RECORD_COUNT,
        storage: StorageModel | None = None,
        features: Sequence[type] = (),
        account: OneOrMore | None = None,
        slice: str | None = None,  # noqa: A002 - the best word
    ) -> None:
        """Context settings belong to the router that the worker runs; included routers cannot have others.

        Args:
            name: For logs and errors.
            expire_after: Time after a user's last message until the context is removed.
            max_record_count: Requests and responses a context keeps; 0 or less: all.
            storage: Type of `context.storage`: a pydantic model whose fields have defaults; None: a dict.
            features: Types that middleware sets or that are provided, by this or an including router: handlers may take
                them.
            account: Names of accounts in the accounts file: the router is for their messages; None: for all.
            slice: Name of the part of the including router's storage that is this router's storage.
        """
        check_model(storage)
        part = None if slice is None else Slice(slice, storage)
        policy = ContextPolicy(expire_after, max_record_count, None if part else storage)
        super().__init__(name, features, policy, account=account, part=part)
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
        prefix: OneOrMore | None = None,
        contains: OneOrMore | None = None,
        regex: str | re.Pattern[str] | None = None,
        menu_id: OneOrMore | None = None,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]: ...

    def text(
        self,
        *exact: Any,
        prefix: OneOrMore | None = None,
        contains: OneOrMore | None = None,
        regex: str | re.Pattern[str] | None = None,
        menu_id: OneOrMore | None = None,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Any:
        """Register for texts: all of them, or those that match all arguments.

        Args:
            exact: The text is one of these, surrounding spaces ignored.
            prefix: It starts with this, or one of these.
            contains: It contains this, or one of these.
            regex: It matches from its start (`re.match`); named groups are passed to parameters of that name.
            menu_id: It is a tap on the item of a `reply.Menu` with this id, or one of these.
            when: This is true of the message. It gets the message, or takes arguments by type as handlers do; it may
                be async.
            options: See `RouteOptions`.
        """
        if len(exact) == 1 and callable(exact[0]):
            return self.add(exact[0], message_type=TextMessage)
        conditions = (
            *((filters.exact(exact),) if exact else ()),
            *filters.prefix(TextMessage, "content", prefix),
            *filters.contains(contains),
            *filters.field(TextMessage, "menu_id", menu_id),
        )
        groups: frozenset[str] = frozenset()
        if regex is not None:
            pattern = filters.compiled(regex)
            groups = frozenset(pattern.groupindex)
            conditions += (filters.regex(pattern),)
        return partial(self.add, message_type=TextMessage, conditions=conditions, groups=groups, when=when, **options)

    def message(
        self,
        message_type: type[M],
        *,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for messages of this type and its subtypes; `UserMessage`: everything that users send."""
        if not filters.is_type(message_type, Message):
            raise ConfigurationError(f"router {self.name}: {message_type!r} is not a type of message")
        return partial(self.add, message_type=message_type, when=when, **options)

    def event(
        self,
        event: type[M] | str,
        *,
        key: OneOrMore | None = None,
        key_prefix: OneOrMore | None = None,
        scene: OneOrMore | None = None,
        scene_prefix: OneOrMore | None = None,
        menu_id: OneOrMore | None = None,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for events of this type, or of this name (in any case) if wxbus has no type for it.

        Args:
            event: Type or name.
            key: `event_key` is this, or one of these: the item of a menu.
            key_prefix: It starts with this, or one of these.
            scene: The QR code's scene is this, or one of these.
            scene_prefix: It starts with this, or one of these.
            menu_id: The id of the menu item is this, or one of these.
            when: This is true of the event; see `text`.
            options: See `RouteOptions`.
        """
        conditions: tuple[Condition, ...] = ()
        message_type: type[Message] = Event
        if isinstance(event, str):
            conditions = (filters.event_name(event),)
        elif filters.is_type(event, Event):
            message_type = event
        else:
            raise ConfigurationError(f"router {self.name}: {event!r} is not a type of event")
        conditions += (
            *filters.field(message_type, "event_key", key),
            *filters.prefix(message_type, "event_key", key_prefix),
            *filters.field(message_type, "scene", scene),
            *filters.prefix(message_type, "scene", scene_prefix),
            *filters.field(message_type, "menu_id", menu_id),
        )
        return partial(self.add, message_type=message_type, conditions=conditions, when=when, **options)

    def signal(
        self,
        name: str,
        *,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for an event that another program posts with `Bus.event`; it runs in the user's lane.

        A parameter whose type is a pydantic model gets the data in this form; data that do not fit are dead-lettered.

        Args:
            name: Name of the event, as posted.
            when: This is true of the signal; see `text`.
            options: See `RouteOptions`.
        """
        conditions = filters.field(Signal, "name", name)
        return partial(self.add, message_type=Signal, conditions=conditions, when=when, **options)

    def socket(
        self,
        name: str,
        *,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register for a message of the user's WebSocket; it runs in the user's lane.

        A parameter whose type is a pydantic model gets the body; a body that does not fit is dead-lettered.

        Args:
            name: Name of the message, as the client sends it.
            when: This is true of the signal; see `text`.
            options: See `RouteOptions`.
        """
        return self.signal(f"{MESSAGE_PREFIX}{name}", when=when, **options)

    def socket_connected(self, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Register for the opening of a WebSocket of the user, once for each."""
        return self.signal(CONNECTED, **options)

    def socket_disconnected(self, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Register for the end of a WebSocket of the user, once for each, also if its gateway died."""
        return self.signal(DISCONNECTED, **options)
