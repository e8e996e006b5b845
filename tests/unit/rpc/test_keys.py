"""API keys."""

from pathlib import Path

import pytest

from wxbus.errors import ConfigurationError
from wxbus.rpc.keys import ApiKeys, new_key


async def test_the_file_keeps_no_key(tmp_path: Path) -> None:
    """A reader of the keys file cannot call: it has the hash and the public prefix."""
    key, entry = new_key("worker", ["token:get:*"])
    assert key not in entry.model_dump_json()
    assert key.startswith(entry.prefix)

    path = tmp_path / "keys.toml"
    path.write_text(entry.as_toml())
    keys = ApiKeys.read(path)
    principal = await keys(key)
    assert principal is not None
    assert principal.name == "worker"
    assert await keys(entry.sha256) is None
    assert await keys(entry.prefix + "_" + "A" * 43) is None


async def test_two_keys_of_one_name_overlap() -> None:
    """While a key is being changed, the old and the new one are both good."""
    made = [new_key("worker", ["token:get:*"]) for _ in range(2)]
    keys = ApiKeys.of(entry for _, entry in made)
    assert {principal.name for key, _ in made if (principal := await keys(key))} == {"worker"}
    assert made[0][0] != made[1][0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("keys = 5", "must be tables"),
        ("[[keys]]\nname = 'x'", "prefix"),
        (
            f"[[keys]]\nname='x'\nprefix='wxb_{'0' * 12}'\nsha256='{'0' * 64}'\nscopes=['a b']",
            "is no scope",
        ),
        ("[[keys", "keys.toml"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    """The process refuses to start and says what is wrong where."""
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        ApiKeys.read(path)


def test_a_wrong_scope_is_refused_when_the_key_is_made() -> None:
    """No key is handed out that can do nothing."""
    with pytest.raises(ConfigurationError, match="is no scope"):
        new_key("worker", ["token get"])


def test_two_keys_with_one_prefix_are_refused() -> None:
    """It would not be clear whose key it is."""
    _, entry = new_key("a", ["x:y"])
    with pytest.raises(ConfigurationError, match=entry.prefix):
        ApiKeys.of([entry, entry])
