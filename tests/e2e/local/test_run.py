"""`make run`: it reports why it cannot start or go on, leaves no process behind, and serves real accounts."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.local.run_command import environment, running
from wxbus_local.servers.container_spec import NoEngine
from wxbus_local.servers.containers import Engine
from wxbus_local.servers.ports import free_port
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

REAL_ACCOUNTS = """
[accounts.shop]
kind = "official_account"
appid = "wxshop"
token = "token-of-shop"
aes_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
secret = "secret-of-shop"

[accounts.cafe]
kind = "official_account"
appid = "wxcafe"
token = "token-of-cafe"
aes_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
secret = "secret-of-cafe"
classic_token = true
"""


def test_real_accounts_are_served_without_the_sandbox(tmp_path: Path) -> None:
    """The start asks WeChat for tokens and prints its answers and the callback addresses; data is kept apart.

    Servers that the command started, programs or containers, and all services end with the killed command. Workers get
    the address of the management API of a RabbitMQ that the command started.
    """
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(REAL_ACCOUNTS, encoding="utf-8")

    with wechat(accounts) as wechat_url:
        asyncio.run(refuse_tokens(wechat_url, "/cgi-bin/token", errcode=40164))
        settings = {
            "WXBUS_LOCAL_DATA": str(tmp_path / "data"),
            "WXBUS_LOCAL_WORKERS": "1",
            "WXBUS_ACCOUNTS_FILE": str(accounts),
            "WXBUS_WECHAT_API_URL": wechat_url,
            "WXBUS_LOCAL_PUBLIC_URL": "https://my.name",
        }
        with running(settings, cwd=tmp_path) as run:
            run.wait_for("Ctrl-C stops everything")
            run.see_processes()
            output, run_id = run.output, run.run_id()
            assert run.with_command("-m wxbus_sandbox") == []
            workers = run.with_command("-m wxbus_worker")
            assert workers
            assert all("WXBUS_AMQP_MANAGEMENT_URL" in worker.environ() for worker in workers)

            run.process.kill()

            assert run.wait() == -signal.SIGKILL
            assert run.remaining() == []
    assert containers_of(run_id) == []
    assert re.search(r"shop +WeChat gave an access token", output), output
    assert re.search(r"cafe: WeChat gives no access token: .*40164", output)
    assert "https://my.name/wechat/shop" in output
    assert "allow-list" in output
    assert "wxbus_sandbox" not in output
    assert (tmp_path / "data/real/keys").is_dir()
    assert not (tmp_path / "data/keys").exists()


def containers_of(run_id: str) -> list[str]:
    """Return the names of the run's containers, if a Docker engine answers."""
    try:
        engine = Engine()
    except NoEngine:
        return []
    with closing(engine):
        return [container.name for container in engine.containers_of(run_id)]


def test_mistakes_are_reported_once_before_any_server_starts(settings: dict[str, str], tmp_path: Path) -> None:
    """Broken handlers, a missing file and a wrong value all end the output, and no server is started."""
    (tmp_path / "mybot.py").write_text("import missing_module\n", encoding="utf-8")
    mistakes = {
        "WXBUS_WORKER_APP": "mybot:router",
        "WXBUS_ACCOUNTS_FILE": "absent.toml",
        "WXBUS_INGRESS_BUDGET": "soon",
    }

    with running({**settings, **mistakes}, cwd=tmp_path) as run:
        assert run.wait() == 1

    assert "RabbitMQ " not in run.output
    reasons = run.output[run.output.index("stopped: ") :]
    assert "missing_module" in reasons
    for reason in ("absent.toml", "WXBUS_INGRESS_BUDGET"):
        assert reason in reasons
        assert run.output.count(reason) == 1


@contextmanager
def wechat(accounts: Path) -> Iterator[str]:
    """Run a sandbox as WeChat; yield its address."""
    port = free_port()
    variables = environment(WXBUS_ACCOUNTS_FILE=str(accounts), WXBUS_SANDBOX_PORT=str(port))
    command = [sys.executable, "-m", "wxbus_sandbox"]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "sandbox.listening" in process.stderr.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


async def refuse_tokens(sandbox_url: str, path: str, *, errcode: int) -> None:
    """Let WeChat refuse the tokens of one endpoint."""
    async with SandboxClient.open(sandbox_url) as client:
        await client.fault(Fault(path=path, errcode=errcode, times=1000))
