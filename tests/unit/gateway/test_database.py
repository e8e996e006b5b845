"""The address of the database."""

import pytest

from wxbus.errors import ConfigurationError
from wxbus_gateway.users.database import open_database

POSTGRESQL = "postgresql://user:hidden@127.0.0.1:1/users"


async def test_a_wrong_address_is_named_at_start() -> None:
    """The error says what is wrong, without the password; a folder that cannot be made is one, too."""
    for url, expected in {
        "mysql://user:hidden@host/users": "the database must be sqlite:///",
        "postgresql://user:hidden@host:port/users": "the database must be sqlite:///",
        "sqlite://": "the database needs a file",
        "sqlite:////dev/null/folder/users.db": "the folder /dev/null/folder of the database cannot be created",
        f"{POSTGRESQL}?sslmode=always": "PostgreSQL's address may have host",
        f"{POSTGRESQL}?application_name=x": "PostgreSQL's address may have host",
    }.items():
        with pytest.raises(ConfigurationError, match=expected) as caught:
            async with open_database(url):
                pass
        assert "hidden" not in str(caught.value)


async def test_sslmode_is_passed_to_the_driver() -> None:
    """Addresses of hosted databases have it."""
    async with open_database(f"{POSTGRESQL}?sslmode=require&host=/run/postgresql") as engine:
        assert engine.url.query == {"ssl": "require", "host": "/run/postgresql"}
