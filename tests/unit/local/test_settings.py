"""Settings and ports of the local stack."""

import os
import socket
from pathlib import Path

import pytest

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus_local.settings import DEMO_BOT, LocalSettings
from wxbus_local.stack.addresses import Addresses
from wxbus_local.stack.preflight import check


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the tests' own environment."""
    for name in list(os.environ):
        if name.startswith("WXBUS_"):
            monkeypatch.delenv(name)


def test_a_wrong_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong port is an error that names the variable."""
    monkeypatch.setenv("WXBUS_INGRESS_PORT", "eighty")

    with pytest.raises(ConfigurationError, match="WXBUS_INGRESS_PORT"):
        load(LocalSettings)


def test_real_accounts_do_not_share_data_with_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """With WeChat's address the namespace and the folder of data are others; a set namespace is used as it is."""
    sandbox = load(LocalSettings)
    monkeypatch.setenv("WXBUS_WECHAT_API_URL", "https://api.weixin.qq.com")
    real = load(LocalSettings)

    assert (sandbox.effective_namespace, sandbox.data) == ("wxbus", Path(".local"))
    assert (real.effective_namespace, real.data) == ("wxbus-real", Path(".local/real"))
    assert real.model_copy(update={"namespace": "mine"}).effective_namespace == "mine"


def test_a_terminal_with_the_variables_of_another_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """These variables would connect the new run to the servers of the other one."""
    monkeypatch.setenv("WXBUS_LOCAL_ENV", ".local/env")

    with pytest.raises(ConfigurationError, match="start in another terminal"):
        load(LocalSettings).check()


def test_a_set_port_that_is_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ports that are not set are replaced by free ones."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("WXBUS_INGRESS_PORT", str(port))

        with pytest.raises(ConfigurationError, match=f"WXBUS_INGRESS_PORT: port {port} is taken"):
            Addresses.choose(load(LocalSettings))


def test_demo_accounts_are_refused_with_wechats_own_api() -> None:
    """The secrets of the demo accounts are public."""
    demo = {
        "WXBUS_ACCOUNTS_FILE": str(DEMO_BOT / "accounts.toml"),
        "WXBUS_WECHAT_API_URL": "https://api.weixin.qq.com",
        "WXBUS_WORKER_APP": "handlers:router",
        "WXBUS_WORKER_APP_DIR": str(DEMO_BOT),
    }

    with pytest.raises(ConfigurationError, match="WXBUS_ACCOUNTS_FILE contains a public demo secret"):
        check({**os.environ, **demo})


def test_wechats_own_api_needs_an_accounts_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an accounts file, the error says so instead of naming a file that the user did not choose."""
    monkeypatch.delenv("WXBUS_ACCOUNTS_FILE", raising=False)
    monkeypatch.setenv("WXBUS_WECHAT_API_URL", "https://api.weixin.qq.com")

    with pytest.raises(ConfigurationError, match="WXBUS_ACCOUNTS_FILE is not set"):
        load(LocalSettings).check()
