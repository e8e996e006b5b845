"""Settings of the worker."""

import re
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from wxbus.api.limits import Limit
from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus_worker.__main__ import cli
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.settings import WorkerSettings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The required settings."""
    monkeypatch.setenv("WXBUS_AMQP_URL", "amqp://broker")
    monkeypatch.setenv("WXBUS_REDIS_URL", "redis://store")
    monkeypatch.setenv("WXBUS_ACCOUNTS_FILE", "accounts.toml")
    monkeypatch.setenv("WXBUS_WORKER_TOKEN_API_KEY", "the-key")
    return monkeypatch


def test_retry_delays_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    """The default is all delays that have a queue."""
    assert load(WorkerSettings).retries == RetryPolicy()
    environment.setenv("WXBUS_WORKER_RETRY_DELAYS", "1s, 30s")
    assert load(WorkerSettings).retries.delays == (timedelta(seconds=1), timedelta(seconds=30))


def test_a_delay_without_a_queue_is_an_error_at_start(environment: pytest.MonkeyPatch) -> None:
    """The error lists the delays that have one."""
    environment.setenv("WXBUS_WORKER_RETRY_DELAYS", "1s,7s")
    with pytest.raises(ConfigurationError, match=r"RETRY_DELAYS: .*7s has no queue; the delays are 1s, 5s"):
        load(WorkerSettings)


def test_a_missing_setting_ends_the_command_with_one_line(environment: pytest.MonkeyPatch) -> None:
    """The exit code is 2, and there is no traceback."""
    environment.delenv("WXBUS_WORKER_TOKEN_API_KEY")

    result = CliRunner().invoke(cli, [])

    assert result.exit_code == 2
    assert result.output == "WXBUS_WORKER_TOKEN_API_KEY: is not set\n"


def test_the_api_key_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    """Printed settings contain no secret."""
    assert environment is not None
    assert "the-key" not in repr(load(WorkerSettings))


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "redis://user:topsecret@token:6379", "http://"])
def test_a_wrong_address_of_the_token_service_is_reported(environment: pytest.MonkeyPatch, url: str) -> None:
    """The error names the variable and the expected form, and does not show the value."""
    environment.setenv("WXBUS_WORKER_TOKEN_URL", url)
    with pytest.raises(ConfigurationError, match=r"^WXBUS_WORKER_TOKEN_URL: must look like http://") as caught:
        load(WorkerSettings)
    assert "topsecret" not in str(caught.value)


def test_limits_of_the_api_are_checked(environment: pytest.MonkeyPatch) -> None:
    """A figure is for an endpoint, or for one of an account; a wrong one stops the start, and the error names it."""
    environment.setenv("WXBUS_WORKER_API_LIMITS", '{"shop /a": "5/day, 3/hour, 2/minute", "/b": "none"}')
    assert load(WorkerSettings).limits == {"shop /a": Limit(day=5, hour=3, minute=2), "/b": Limit()}
    for wrong, text in (
        ('{"/a": "5/week"}', "/a: API limit '5/week': must be like"),
        ('{"a": "none"}', "'a' must be a path"),
    ):
        environment.setenv("WXBUS_WORKER_API_LIMITS", wrong)
        with pytest.raises(ConfigurationError, match=re.escape(text)):
            load(WorkerSettings)
