"""A part of the storage that belongs to an included router: `Router(storage=Cart, slice="cart")`.

Its handlers see their part as `context.storage`. It is an entry of the storage of the router that the worker runs: of
the dict, or a field of the model.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from wxbus.errors import ConfigurationError
from wxbus_worker.context import storage
from wxbus_worker.context.storage import StorageModel


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the storage."""

    name: str
    """Key of the dict, or field of the model."""
    model: StorageModel | None = None
    """Model of the part; None: a dict."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ConfigurationError(f"slice must be a name, not {self.name!r}")

    def check(self, whole: StorageModel | None, router: str) -> None:
        """Raise ConfigurationError if it is not in the storage of the router that the worker runs."""
        if whole is None:
            return
        found, wanted = whole.model_fields.get(self.name), self.model or dict
        if found is None or found.annotation not in (wanted, dict[str, Any]):
            raise ConfigurationError(
                f"router {router} has the slice {self.name!r}: {whole.__name__} needs a field of this name whose type "
                f"is {wanted.__name__}"
            )

    def load(self, whole: Any) -> Any:
        """Return the part of the storage; a new one if it has none."""
        if not isinstance(whole, dict):
            return getattr(whole, self.name)
        return storage.load(self.model, whole.get(self.name))

    def save(self, whole: Any, part: Any) -> None:
        """Put the part into the storage.

        Raises:
            TypeError: It has a value that cannot be stored; the text names it.
        """
        if isinstance(whole, dict):
            whole[self.name] = storage.dump(self.model, part)
        elif isinstance(whole, BaseModel):
            setattr(whole, self.name, part)
