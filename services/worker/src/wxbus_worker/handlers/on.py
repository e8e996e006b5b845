"""Decorators for one type of message."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar, Unpack, overload

from wxbus.wechat import Message
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.filters import When
from wxbus_worker.handlers.hints import Handler
from wxbus_worker.handlers.route import RouteOptions

M = TypeVar("M", bound=Message)
H = TypeVar("H", bound=Handler)


class On(Generic[M]):
    """Registers handlers for one type of message: `@router.image`, `@router.image(when=...)`."""

    def __init__(self, router: BaseRouter, message_type: type[M]) -> None:
        self._router = router
        self._message_type = message_type

    @overload
    def __call__(self, handler: H, /) -> H: ...

    @overload
    def __call__(
        self,
        *,
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]: ...

    def __call__(self, *handler: Any, when: Any = None, **options: Any) -> Any:
        """Register for messages of the type: all, or those for which `when` is true and the options match."""
        register = partial(self._router.add, message_type=self._message_type, when=when, **options)
        return register(*handler) if handler else register
