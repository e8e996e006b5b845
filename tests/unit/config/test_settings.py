"""Settings from environment variables."""

from pathlib import Path

import pytest
import structlog
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from wxbus.bus.topology import Topology
from wxbus.config.settings import (
    BusSettings,
    LogSettings,
    StoreSettings,
    WeChatApiSettings,
    environment,
    load,
    load_for_command,
    log_unknown_variables,
    unknown_variables,
)
from wxbus.errors import ConfigurationError
from wxbus_gateway.settings import GatewaySettings
from wxbus_ingress.settings import IngressSettings
from wxbus_sandbox.settings import SandboxSettings
from wxbus_token.settings import TokenSettings
from wxbus_worker.settings import WorkerSettings


class ServiceLimits(BaseSettings):
    """Settings of the service only, with its own prefix."""

    model_config = environment("WXBUS_SOME_")

    budget: float = Field(default=1, gt=0)


class ServiceSettings(BaseSettings):
    """Settings of a service: its own variables and shared ones."""

    model_config = environment("WXBUS_SOME_")

    port: int = Field(default=8080, ge=1, le=65535)
    api_key: SecretStr = SecretStr("")
    bus: BusSettings = Field(default_factory=BusSettings)
    limits: ServiceLimits = Field(default_factory=ServiceLimits)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WXBUS_AMQP_URL", "amqp://user:hunter2@broker/")


def test_shared_and_own_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each class reads its own variables."""
    monkeypatch.setenv("WXBUS_SOME_PORT", "9000")
    monkeypatch.setenv("WXBUS_PARTITIONS", "4")

    settings = load(ServiceSettings)

    assert (settings.port, settings.bus.partitions) == (9000, 4)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WXBUS_SOME_PORT", "99999"),
        ("WXBUS_SOME_BUDGET", "-17"),
        ("WXBUS_PARTITIONS", "many"),
        ("WXBUS_NAMESPACE", "Not Good"),
        ("WXBUS_AMQP_URL", "http://user:topsecret@broker/"),
        ("WXBUS_AMQP_URL", "amqp://user:top/secret@broker/"),
        ("WXBUS_AMQP_URL", "amqp://broker:99999/"),
        ("WXBUS_AMQP_URL", "broker:5672"),
        ("WXBUS_AMQP_MANAGEMENT_URL", "broker:15672"),
    ],
)
def test_an_invalid_variable_is_named_without_value(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """The error names the variable, of the service or shared, and does not show its value."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=f"^{variable}: ") as caught:
        load(ServiceSettings)

    assert value not in str(caught.value)


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable without a default must be set."""
    monkeypatch.delenv("WXBUS_AMQP_URL")

    with pytest.raises(ConfigurationError, match=r"^WXBUS_AMQP_URL: "):
        load(ServiceSettings)


def test_all_errors_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each, in order of the parts, then the service's own ones."""
    monkeypatch.delenv("WXBUS_AMQP_URL")
    monkeypatch.setenv("WXBUS_SOME_BUDGET", "-17")
    monkeypatch.setenv("WXBUS_SOME_PORT", "many")

    with pytest.raises(ConfigurationError) as caught:
        load(ServiceSettings)

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "WXBUS_AMQP_URL",
        "WXBUS_SOME_BUDGET",
        "WXBUS_SOME_PORT",
    ]


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        (IngressSettings, "WXBUS_INGRESS_PORT"),
        (WorkerSettings, "WXBUS_WORKER_CONCURRENCY"),
        (TokenSettings, "WXBUS_TOKEN_LEASE"),
        (GatewaySettings, "WXBUS_GATEWAY_SESSION_IDLE"),
        (SandboxSettings, "WXBUS_SANDBOX_PORT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_services_report_all_errors_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: type[BaseSettings], own: str
) -> None:
    """Errors of shared and own variables are reported together, whatever rules connect several variables."""
    values = {"WXBUS_AMQP_URL": "nope", "WXBUS_ACCOUNTS_FILE": "", "WXBUS_LOG_LEVEL": "loud", own: "many"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load(settings)
    named = {line.partition(":")[0] for line in str(caught.value).splitlines()}
    assert own in named
    assert named & values.keys() - {own}, "and those of the parts"


def test_a_log_level_may_be_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """`INFO` and `info` are equal; an unknown level is an error that lists those there are."""
    monkeypatch.setenv("WXBUS_LOG_LEVEL", "WARNING")
    assert load(LogSettings).log_level == "warning"

    monkeypatch.setenv("WXBUS_LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError, match=r"^WXBUS_LOG_LEVEL: .*'debug', 'info', 'warning' or 'error'"):
        load(LogSettings)


def test_an_api_address_has_no_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both spellings are equal; an address without a scheme is invalid."""
    monkeypatch.setenv("WXBUS_WECHAT_API_URL", "https://api.weixin.qq.com/")
    assert load(WeChatApiSettings).wechat_api_url == "https://api.weixin.qq.com"

    monkeypatch.setenv("WXBUS_WECHAT_API_URL", "api.weixin.qq.com")
    with pytest.raises(ConfigurationError, match=r"^WXBUS_WECHAT_API_URL: must look like https://"):
        load(WeChatApiSettings)


@pytest.mark.parametrize("address", ["redis://:a%2Fb@host:6379/0", "rediss://host", "unix:///run/redis.sock"])
def test_addresses_of_redis(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Also with TLS and for Unix sockets."""
    monkeypatch.setenv("WXBUS_REDIS_URL", address)
    assert load(StoreSettings).redis_url.get_secret_value() == address


def test_unknown_variables_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nearest known name. Variables with the prefix of another part are not checked."""
    for name in (
        *("WXBUS_SOME_PROT", "WXBUS_ACOUNTS_FILE", "WXBUS_INGRES_PORT"),
        *("WXBUS_SOME_BUDGET", "WXBUS_SOME_API_KEY", "WXBUS_INGRESS_PORT", "WXBUS_REDIS_URL", "WXBUS_RUN", "OTHER_X"),
    ):
        monkeypatch.setenv(name, "1")

    with structlog.testing.capture_logs() as lines:
        log_unknown_variables(ServiceSettings)

    assert {line["event"] for line in lines} == {"settings.unknown_variable"}
    assert [(line["variable"], line.get("did_you_mean")) for line in lines] == [
        ("WXBUS_ACOUNTS_FILE", "WXBUS_ACCOUNTS_FILE"),
        ("WXBUS_INGRES_PORT", None),
        ("WXBUS_SOME_PROT", "WXBUS_SOME_PORT"),
    ]


def test_variables_of_the_accounts_file_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A secret of an account may be in a variable of any name."""
    (tmp_path / "accounts.toml").write_text('[accounts.shop]\ntoken_env = "WXBUS_SHOP_TOKEN"\n')
    monkeypatch.setenv("WXBUS_ACCOUNTS_FILE", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("WXBUS_SHOP_TOKEN", "token")
    monkeypatch.setenv("WXBUS_SHOP_TOKENS", "token")

    assert unknown_variables(ServiceSettings) == {"WXBUS_SHOP_TOKENS": "WXBUS_SHOP_TOKEN"}


def test_a_missing_variable_of_a_command_has_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """For `make run`; invalid values have no hint."""
    monkeypatch.delenv("WXBUS_AMQP_URL")
    with pytest.raises(ConfigurationError, match=r"^WXBUS_AMQP_URL: is not set; under `make run`, .*\.local/env"):
        load_for_command(BusSettings)

    monkeypatch.setenv("WXBUS_AMQP_URL", "nonsense")
    with pytest.raises(ConfigurationError) as caught:
        load_for_command(BusSettings)
    assert ".local/env" not in str(caught.value)


def test_settings_do_not_show_secrets() -> None:
    """The repr of settings has no password."""
    assert "hunter2" not in repr(load(ServiceSettings))


def test_the_topology_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """All services read the same three variables, so all declare the same queues."""
    monkeypatch.setenv("WXBUS_NAMESPACE", "blue")
    monkeypatch.setenv("WXBUS_PARTITIONS", "8")
    monkeypatch.setenv("WXBUS_QUEUE_LIMITS", "policy")

    assert load(ServiceSettings).bus.topology == Topology("blue", 8, "policy")
