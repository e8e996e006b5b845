"""Values that middleware and the worker provide to handlers: one of each type."""

from collections.abc import Mapping
from typing import TypeVar, cast

T = TypeVar("T")


class Features:
    """Values by type for one call of a handler: `features[Customer] = customer`, then `features[Customer]`."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[type, object] | None = None) -> None:
        self._values: dict[type, object] = dict(values or {})

    def __setitem__(self, kind: type[T], value: T) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"features[{kind.__name__}] cannot hold {type(value).__name__}")
        self._values[kind] = value

    def __getitem__(self, kind: type[T]) -> T:
        try:
            return cast("T", self._values[kind])
        except KeyError:
            available = ", ".join(sorted(each.__name__ for each in self._values)) or "nothing"
            raise LookupError(f"no middleware has set {kind.__name__}; available: {available}") from None

    def __contains__(self, kind: type) -> bool:
        return kind in self._values

    def get(self, kind: type[T]) -> T | None:
        """Return the value of this type, None if there is none."""
        return cast("T | None", self._values.get(kind))

    def copy(self) -> "Features":
        """Return other features with the same values."""
        return Features(self._values)

    def pop(self, kind: type[T]) -> T | None:
        """Remove and return the value of this type, None if there is none."""
        return cast("T | None", self._values.pop(kind, None))
