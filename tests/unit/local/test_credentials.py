"""The API keys of a local stack."""

from pathlib import Path

from wxbus_local.stack.credentials import Credentials


def test_keys_stay_until_a_caller_needs_more_scopes(tmp_path: Path) -> None:
    """A second run uses the keys of the first; keys of an older version without a scope are replaced."""
    first = Credentials.of(tmp_path)
    assert Credentials.of(tmp_path).api_keys == first.api_keys
    entries = first.api_keys_file
    entries.write_text(entries.read_text("utf-8").replace('"token:jsapi_ticket:*", ', ""), encoding="utf-8")
    second = Credentials.of(tmp_path)
    assert second.api_keys["worker"] != first.api_keys["worker"]
    assert second.encryption_keys == first.encryption_keys
    assert '"token:jsapi_ticket:*"' in entries.read_text("utf-8")
