"""Redaction of log lines."""

import json
import logging

import pytest
import structlog

from wxbus.config.settings import LogSettings
from wxbus.runtime.logs import configure
from wxbus.runtime.redaction import log_scope

pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_aiormq_does_not_log(capsys: pytest.CaptureFixture[str]) -> None:
    """It logs errors that it also raises, with useless tracebacks."""
    configure(LogSettings(log_format="json"), service="test")

    logging.getLogger("aiormq.connection").error("error when creating transport: %r", OSError())

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("library", ["aio_pika.queue", "aiosqlite", "watchfiles.main"])
def test_debug_does_not_show_the_work_of_libraries(capsys: pytest.CaptureFixture[str], library: str) -> None:
    """`make run` logs at debug level; lines about queues would hide the way of a message, and SQL has users' data."""
    configure(LogSettings(log_format="json", log_level="debug"), service="test")

    logging.getLogger(library).debug("Declaring queue: wxbus.inbox.00")

    assert capsys.readouterr().err == ""


def test_secrets_are_redacted_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Fields with a secret's name, tokens and passwords in addresses, also in exceptions."""
    configure(LogSettings(log_format="json"), service="test")
    log = structlog.get_logger()
    try:
        int("GET /cgi-bin/token?secret=hunter2&appid=wx1")
    except ValueError:
        log.exception("call.failed", access_token="hunter2", url="amqp://user:hunter2@broker/", appid="wx1")

    line = json.loads(capsys.readouterr().err)

    assert "hunter2" not in json.dumps(line)
    assert line["event"] == "call.failed"
    assert line["appid"] == "wx1"
    assert "ValueError" in line["exception"]


@pytest.mark.parametrize(
    "name",
    ["access_token", "component_access_token", "corpsecret", "js_code", "jsapi_ticket", "auth_code", "refresh_token"],
)
def test_every_secret_name_of_wechat_is_known(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """In addresses as parameters, in lines as fields."""
    configure(LogSettings(log_format="json"), service="test")
    structlog.get_logger().info("called", url=f"/cgi-bin/call?appid=wx1&{name}=hunter2&type=jsapi")

    line = json.loads(capsys.readouterr().err)

    assert line["url"] == f"/cgi-bin/call?appid=wx1&{name}=***&type=jsapi"


def test_the_console_shows_no_more_than_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Tracebacks for people have no values of variables, and the same is redacted."""
    configure(LogSettings(log_format="console"), service="test")
    words, url = "my address", "amqp://user:hunter2@broker/"
    with log_scope(lambda: [words]):
        try:
            int(words)
        except ValueError as exc:
            structlog.get_logger().exception("call.failed", access_token="hunter2", url=url, error=str(exc))

    shown = capsys.readouterr().err

    assert "hunter2" not in shown
    assert words not in shown
    assert "ValueError" in shown
    assert "call.failed" in shown


def test_libraries_log_in_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of the standard library's logging is JSON, with the same fields, and redacted."""
    configure(LogSettings(log_format="json"), service="test")
    logging.getLogger("some.library").warning("lost %s", "amqp://user:hunter2@broker/")

    line = json.loads(capsys.readouterr().err)

    assert line["service"] == "test"
    assert line["event"] == "lost amqp://user:***@broker/"


def test_users_texts_are_redacted_and_event_names_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    """A user cannot hide a line by sending its event name."""
    configure(LogSettings(log_format="json"), service="test")
    words = "delivery.failed: my address"
    with log_scope(lambda: [words]):
        try:
            int(words)
        except ValueError as exc:
            structlog.get_logger().exception("delivery.failed", error=str(exc))

    line = json.loads(capsys.readouterr().err)

    assert line["event"] == "delivery.failed"
    assert "ValueError" in line["exception"]
    assert "my address" not in line["error"] + line["exception"]
