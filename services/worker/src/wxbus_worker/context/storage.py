"""The handlers' data about a user: a dict, or a pydantic model."""

from typing import Any, TypeAlias

import pydantic_core
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from wxbus.errors import ConfigurationError
from wxbus_worker.context.storage_dict import TO_JSON, StorageDict

StorageModel: TypeAlias = type[BaseModel]


def check_model(model: object) -> None:
    """Raise ConfigurationError unless it is a pydantic model whose fields have defaults, or None."""
    if model is None:
        return
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigurationError(f"storage must be a pydantic model, not {model!r}")
    try:
        model()
    except ValidationError as exc:
        raise ConfigurationError(
            f"storage {model.__name__}: every field needs a default: {_error_messages(exc)}"
        ) from None


def load(model: StorageModel | None, stored: Any) -> Any:
    """Return the stored storage, or a new one if `stored` is None.

    Raises:
        ValueError: It does not fit the model, which has changed; the text names the fields without their values.
    """
    if model is None:
        return StorageDict(stored or {})
    try:
        return model() if stored is None else model.model_validate(stored)
    except ValidationError as exc:
        raise ValueError(f"a stored context does not fit {model.__name__}: {_error_messages(exc)}") from None


def dump(model: StorageModel | None, storage: Any) -> Any:
    """Return the storage as JSON values.

    Raises:
        TypeError: It has a value that JSON cannot hold, or that its model does not allow; the text names the field.
    """
    if model is None:
        if not isinstance(storage, dict):
            raise TypeError(f"context.storage must be a dict, not {type(storage).__name__}")
        return storage
    if not isinstance(storage, model):
        raise TypeError(f"context.storage must be {model.__name__}, not {type(storage).__name__}")
    try:
        dumped = storage.model_dump(mode="json", warnings="error")
        model.model_validate(dumped)
    except ValidationError as exc:
        raise TypeError(f"context.storage cannot be stored: {_error_messages(exc)}") from None
    except PydanticSerializationError:
        raise TypeError(f"context.storage cannot be stored: {_misfits(storage)}") from None
    return dumped


def from_json(model: StorageModel | None, stored: bytes) -> Any:
    """Return the storage of its JSON, a new one of b"".

    Raises:
        ValueError: It does not fit the model.
    """
    return load(model, pydantic_core.from_json(stored) if stored else None)


def to_json(model: StorageModel | None, storage: Any) -> bytes:
    """Return the storage as JSON.

    Raises:
        TypeError: It has a value that JSON cannot hold, or that its model does not allow; the text names it.
    """
    values = dump(model, storage)
    try:
        return TO_JSON.encode(values).encode()
    except (TypeError, ValueError) as exc:
        raise TypeError(f"context.storage{_culprit(storage)} cannot be stored: {exc}") from exc


def _culprit(storage: object) -> str:
    """Return `['key']` of the dict's entry that JSON cannot hold."""
    if isinstance(storage, dict):
        for key, value in storage.items():
            try:
                TO_JSON.encode({key: value})
            except (TypeError, ValueError):
                return f"[{key!r}]"
    return ""


def _misfits(storage: BaseModel) -> str:
    try:
        type(storage).model_validate(storage.model_dump(warnings="none"))
    except ValidationError as exc:
        return _error_messages(exc)
    return f"{type(storage).__name__} has a value that JSON cannot hold"


def _error_messages(exc: ValidationError) -> str:
    # Without the values, which are users' data: this text goes to logs and dead letters.
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors)
