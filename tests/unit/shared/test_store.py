"""The address of Redis holds a password."""

import pytest

from wxbus.errors import ConfigurationError
from wxbus.store.store import Store


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hidden/part@127.0.0.1:6379/0",
        "redis://:secret@127.0.0.1:hidden/0",
        "redis://:hidden[@127.0.0.1/0",
        "hidden@127.0.0.1",
        "",
    ],
)
async def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    """The error says what it should look like, and nothing of what it is: not even in its cause."""
    with pytest.raises(ConfigurationError, match="redis://:password@host") as caught:
        async with Store.open(url):
            pass
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
