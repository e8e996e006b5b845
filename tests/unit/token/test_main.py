"""The command line and the settings."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus_token.__main__ import app
from wxbus_token.app import serving
from wxbus_token.settings import TokenSettings

RUN = CliRunner()


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text("")
    (tmp_path / "keys.toml").write_text("")
    monkeypatch.setenv("WXBUS_REDIS_URL", "redis://:SECRET-PASSWORD@127.0.0.1:1/0")
    monkeypatch.setenv("WXBUS_ACCOUNTS_FILE", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("WXBUS_TOKEN_API_KEYS_FILE", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("WXBUS_TOKEN_ENCRYPTION_KEYS", new_encryption_key("k1"))


async def test_a_new_key_works_with_what_was_printed(tmp_path: Path) -> None:
    """Only the key is printed to standard output, so that it can be piped; the entry is TOML for the keys file."""
    result = RUN.invoke(app, ["keys", "new", "worker", "--scope", "token:get:*", "--scope", "token:report_invalid:*"])
    assert result.exit_code == 0
    key = result.stdout.strip()
    path = tmp_path / "keys.toml"
    path.write_text(result.stderr[result.stderr.index("[[keys]]") :])
    assert tomllib.loads(path.read_text())["keys"][0]["name"] == "worker"
    principal = ApiKeys.read(path)(key)
    assert principal is not None
    assert [str(scope) for scope in principal.scopes] == ["token:get:*", "token:report_invalid:*"]
    assert key not in result.stderr


def test_a_key_without_a_scope_is_refused() -> None:
    """A key has no scopes by default."""
    assert RUN.invoke(app, ["keys", "new", "worker"]).exit_code == 2
    assert "not a scope" in RUN.invoke(app, ["keys", "new", "worker", "--scope", "a b"]).stderr


def test_a_new_encryption_key_can_be_used() -> None:
    """The printed text is a value of WXBUS_TOKEN_ENCRYPTION_KEYS."""
    result = RUN.invoke(app, ["encryption-key", "2026-01"])
    keyring = Keyring.parse(result.stdout.strip())
    assert keyring.decrypt(keyring.encrypt("secret", context="c"), context="c") == "secret"
    assert RUN.invoke(app, ["encryption-key", "a:b"]).exit_code == 2


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("WXBUS_TOKEN_ENCRYPTION_KEYS", "k1:SECRET", "WXBUS_TOKEN_ENCRYPTION_KEYS: encryption key 1"),
        ("WXBUS_TOKEN_LEASE", "4", "WXBUS_TOKEN_LEASE must be longer than WXBUS_WECHAT_API_TIMEOUT"),
        ("WXBUS_TOKEN_PORT", "99999", "WXBUS_TOKEN_PORT"),
        ("WXBUS_TOKEN_TLS_CERT_FILE", "nowhere.pem", "and WXBUS_TOKEN_TLS_KEY_FILE go together"),
        ("WXBUS_TOKEN_TLS_CLIENT_CA_FILE", "nowhere.pem", "WXBUS_TOKEN_TLS_CLIENT_CA_FILE needs"),
        ("WXBUS_ACCOUNTS_FILE", "nowhere.toml", "nowhere.toml"),
        ("WXBUS_TOKEN_API_KEYS_FILE", "nowhere.toml", "nowhere.toml"),
    ],
)
async def test_a_wrong_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, error: str
) -> None:
    """The error names the variable or the file, and shows no secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=error) as caught:
        async with serving(load(TokenSettings), registry=CollectorRegistry()):
            pass
    assert "SECRET" not in str(caught.value)


@pytest.mark.usefixtures("_environment")
def test_a_process_with_a_wrong_setting_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error has one text without traceback or secret."""
    monkeypatch.setenv("WXBUS_TOKEN_ENCRYPTION_KEYS", "k1:SECRET")
    # A new process, because serving configures logging for the whole process.
    result = subprocess.run([sys.executable, "-m", "wxbus_token"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("wxbus_token: WXBUS_TOKEN_ENCRYPTION_KEYS: encryption key 1 must be")
    assert "SECRET" not in result.stderr
    assert "Traceback" not in result.stderr
