"""The dict of a context's storage: assigning a value that JSON cannot hold raises TypeError at once."""

import json
from typing import Any, Final

TO_JSON: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
PLAIN: Final = (int, bool, type(None))


class StorageDict(dict[str, Any]):
    """A dict of JSON values. A list or dict in it may be changed freely; it is checked again when it is stored."""

    __slots__ = ()

    def __setitem__(self, key: str, value: Any) -> None:
        """Set an entry.

        Raises:
            TypeError: The key is not a str, or JSON cannot hold the value.
        """
        if not isinstance(key, str):
            raise TypeError(f"context.storage: a key must be a str, not {key!r}")
        if type(value) not in PLAIN:
            try:
                TO_JSON.encode(value).encode()
            except (TypeError, ValueError) as exc:
                raise TypeError(f"context.storage[{key!r}] cannot be stored: {exc}") from exc
        super().__setitem__(key, value)

    def update(self, *others: Any, **more: Any) -> None:
        """Set several entries."""
        for key, value in dict(*others, **more).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the entry, which is set to `default` if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> "StorageDict":  # type: ignore[override, misc] # dict's has overloads
        self.update(other)
        return self
