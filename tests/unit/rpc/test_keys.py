"""API keys."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wxbus.errors import ConfigurationError
from wxbus.rpc.auth.keys import ApiKeys, KeyEntry, new_key, read_entries


def test_the_file_contains_no_key(tmp_path: Path) -> None:
    """It has the public prefix and the hash: its readers cannot call."""
    key, entry = new_key("worker", ["token:get:*"])
    assert key not in entry.model_dump_json()
    assert entry.prefix is not None
    assert entry.sha256 is not None
    assert key.startswith(entry.prefix)

    path = tmp_path / "keys.toml"
    path.write_text(entry.as_toml())
    keys = ApiKeys.read(path)
    principal = keys(key)
    assert principal is not None
    assert principal.name == "worker"
    assert keys(entry.sha256) is None
    assert keys(entry.prefix + "_" + "A" * 43) is None


def test_two_keys_of_one_name_overlap() -> None:
    """During a rotation the old and the new key are valid."""
    made = [new_key("worker", ["token:get:*"]) for _ in range(2)]
    keys = ApiKeys.of(entry for _, entry in made)
    assert {principal.name for key, _ in made if (principal := keys(key))} == {"worker"}
    assert made[0][0] != made[1][0]


def test_a_key_expires(tmp_path: Path) -> None:
    """A key is valid until `expires`, and unknown after that."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    key, entry = new_key("worker", ["token:get:*"], expires=now + timedelta(seconds=10))
    path = tmp_path / "keys.toml"
    path.write_text(entry.as_toml())
    for seconds, good in ((9, True), (10, False)):
        keys = ApiKeys.of(read_entries(path), clock=(now + timedelta(seconds=seconds)).timestamp)
        assert (keys(key) is not None) is good


def test_a_subject_is_not_a_key() -> None:
    """A certificate's subject is not accepted as a key, nor a key's prefix as a subject."""
    _, entry = new_key("worker", ["token:get:*"])
    subject = 'CN=worker "one",O=shop\\, Ltd'
    certificate = KeyEntry(name="worker", subject=subject, scopes=("token:get:*",))
    keys = ApiKeys.of([entry, certificate])
    assert tomllib.loads(certificate.as_toml())["keys"][0]["subject"] == subject
    found = keys.by_certificate(subject)
    assert found is not None
    assert (found.name, found.key) == ("worker", subject)
    assert keys.by_certificate(entry.key) is None
    assert keys.by_certificate("CN=worker") is None
    assert keys(subject) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("keys = 5", "keys.toml: must be a list"),
        ("[[keys]]\nname = 'x'", "scopes"),
        ("[[keys]]\nname = 'x'\nscopes = ['x:y']", "a prefix and a sha256, or a subject"),
        (f"[[keys]]\nname = 'x'\nscopes = ['x:y']\nprefix = 'wxb_{'0' * 12}'", "a prefix and a sha256, or a subject"),
        ("[[keys]]\nname = 'x'\nscopes = ['x:y']\nsubject = 'CN=x'\nexpires = 2026-01-01T00:00:00", "expires"),
        (
            f"[[keys]]\nname='x'\nprefix='wxb_{'0' * 12}'\nsha256='{'0' * 64}'\nscopes=['a b']",
            "not a scope",
        ),
        ("[[keys", "keys.toml"),
        ("[[key]]\nname = 'x'", r"key: unknown key; everything must be below \[\[keys\]\]"),
    ],
)
def test_an_invalid_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    """The process does not start; the error names the file and the entry."""
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        ApiKeys.read(path)


def test_a_malformed_scope_is_refused_for_a_new_key() -> None:
    """Otherwise the key could do nothing."""
    with pytest.raises(ConfigurationError, match="not a scope"):
        new_key("worker", ["token get"])


def test_two_keys_with_one_prefix_are_refused() -> None:
    """Two keys with one prefix are refused, because the caller would be ambiguous."""
    _, entry = new_key("a", ["x:y"])
    with pytest.raises(ConfigurationError, match=entry.prefix):
        ApiKeys.of([entry, entry])
