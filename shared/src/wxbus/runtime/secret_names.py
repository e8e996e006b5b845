"""Recognizes names of secrets, whose values are not shown."""

import re
from functools import lru_cache

SECRET_NAME = re.compile(r"token|ticket|secret|aes_?key|session_?key|password|authorization|api_?key", re.IGNORECASE)


@lru_cache(maxsize=512)
def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret."""
    return SECRET_NAME.search(name) is not None
