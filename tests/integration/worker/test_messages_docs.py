"""The samples of docs/how-to/messages-from-anywhere.md, in both languages, on a real RabbitMQ and Redis."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.worker.test_serve import Outside, a_worker, outside, settings
from tests.support.readme import ROOT, blocks, samples_of
from wxbus.bus.topology import Topology
from wxbus.messages.requests import Accepted, SendRequest, parse_submission
from wxbus_worker.cli.broadcast_commands import broadcast
from wxbus_worker.settings import WorkerSettings

pytestmark = pytest.mark.integration

__all__ = ["outside", "settings"]

PAGES = [ROOT / "docs/how-to" / name for name in ("messages-from-anywhere.md", "messages-from-anywhere.zh-CN.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_the_python_samples_work(
    page: Path, settings: WorkerSettings, amqp_url: str, topology: Topology, outside: tuple[Outside, str]
) -> None:
    """The webhook's event is handled and its message sent, in order; the sample's test passes."""
    names = f'topology=__import__("wxbus.bus.topology", fromlist=["Topology"]).Topology("{topology.namespace}")'
    changes = {'"amqp://guest:guest@127.0.0.1:5672/"': f'"{amqp_url}", {names}'}
    wechat, _ = outside
    with samples_of(page, changes) as samples:
        await samples.test_reminder()
        async with a_worker(settings, samples.router):
            await samples.payment_arrived("o_1", "88001", 1200)
            await wechat.until_sent(2)
    assert wechat.sent == {"o_1": ["Thank you for 12.00. That was order 1.", "Your receipt follows."]}


def test_the_json_samples_are_requests_and_answers() -> None:
    """Each JSON block is a request that a worker takes, or the answer of the call before it."""
    *requests, answer = blocks(PAGES[0], "json")
    assert [parse_submission(request.encode()).type for request in requests] == ["event", "send", "cancel"]
    (call,) = (block for block in blocks(PAGES[0], "sh") if "curl" in block)
    (body,) = re.findall(r"-d '(.*)'", call)
    assert Accepted.model_validate(json.loads(answer)).id == SendRequest.model_validate(json.loads(body)).id


@pytest.mark.usefixtures("settings")
def test_the_commands_of_the_samples_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They run in the order of the page; `start` needs its file only."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openids.txt").write_text("o_1\no_2\n")
    lines = [line for block in blocks(PAGES[0], "sh") for line in block.splitlines() if "wxbus_worker" in line]
    assert len(lines) == 7
    for line in lines:
        words = shlex.split(line)
        assert words[:4] == [".venv/bin/python", "-m", "wxbus_worker", "broadcast"]
        extra = ["--yes", "--detach"] if words[4] == "start" else []
        result = CliRunner().invoke(broadcast, [*words[4:], *extra])
        assert result.exit_code == 0, result.output
