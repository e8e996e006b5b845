"""What middleware found out about a message or a call and leaves for the handler, each value under its type."""

from typing import TypeVar, cast

T = TypeVar("T")


class Features:
    """Values by type, of one run of a handler: `features[Customer] = customer`, then `features[Customer]`."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[type, object] = {}

    def __setitem__(self, kind: type[T], value: T) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"features[{kind.__name__}] cannot hold {type(value).__name__}")
        self._values[kind] = value

    def __getitem__(self, kind: type[T]) -> T:
        try:
            return cast("T", self._values[kind])
        except KeyError:
            there = ", ".join(sorted(one.__name__ for one in self._values)) or "nothing"
            raise LookupError(f"no middleware has left {kind.__name__}; there is {there}") from None

    def __contains__(self, kind: type) -> bool:
        return kind in self._values

    def get(self, kind: type[T]) -> T | None:
        """Return the value of this type, None if nobody left one."""
        return cast("T | None", self._values.get(kind))
