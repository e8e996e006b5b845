"""What a log line must never hold."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from wxbus.config.settings import LogSettings
from wxbus.runtime.logs import configure
from wxbus.runtime.redaction import redacting


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Put back what `configure` changes for the whole process."""
    root = logging.getLogger()
    handlers, level, configured = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def test_what_the_client_of_rabbitmq_says_is_told_by_us_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """It logs errors that it raises too, with addresses of objects and traces of no use."""
    configure(LogSettings(log_format="json"), service="test")

    logging.getLogger("aiormq.connection").error("error when creating transport: %r", OSError())

    assert capsys.readouterr().err == ""


def test_secrets_are_blanked_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    """A field with a secret's name, a token in an address, a password in an address, in an exception too."""
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
def test_every_name_that_wechat_gives_a_secret_is_known(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """In an address as a parameter, in a line as a field."""
    configure(LogSettings(log_format="json"), service="test")
    structlog.get_logger().info("called", url=f"/cgi-bin/call?appid=wx1&{name}=hunter2&type=jsapi")

    line = json.loads(capsys.readouterr().err)

    assert line["url"] == f"/cgi-bin/call?appid=wx1&{name}=***&type=jsapi"


def test_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of the standard library's logging is JSON too, with our fields, and blanked."""
    configure(LogSettings(log_format="json"), service="test")
    logging.getLogger("some.library").warning("lost %s", "amqp://user:hunter2@broker/")

    line = json.loads(capsys.readouterr().err)

    assert line["service"] == "test"
    assert line["event"] == "lost amqp://user:***@broker/"


def test_a_users_words_are_blanked_and_events_keep_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    """What is withheld is in no field and no traceback; a user who writes an event's name does not hide the line."""
    configure(LogSettings(log_format="json"), service="test")
    words = "delivery.failed: my address"
    with redacting(lambda: [words]):
        try:
            int(words)
        except ValueError as exc:
            structlog.get_logger().exception("delivery.failed", error=str(exc))

    line = json.loads(capsys.readouterr().err)

    assert line["event"] == "delivery.failed"
    assert "ValueError" in line["exception"]
    assert "my address" not in line["error"] + line["exception"]
