"""`make run`: all parts start, a message travels through them, and nothing is left however it ends."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.local.runner import Runner, environment, running, send
from wxbus_local.servers.containers import Engine, NoEngine
from wxbus_local.servers.ports import free_port
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def runner(settings: dict[str, str], tmp_path: Path) -> Iterator[Runner]:
    """The command, ready."""
    with running(settings, cwd=tmp_path) as runner:
        runner.wait_ready()
        yield runner


def test_a_message_can_be_followed_and_ctrl_c_ends_all(settings: dict[str, str], tmp_path: Path) -> None:
    """The printed line sends a message, the log shows its way, Ctrl-C ends every process; the exit code is 0."""
    with running(settings, cwd=tmp_path) as runner:
        sandbox = runner.wait_ready()

        assert "hello (1)" in send(sandbox, "text", "hello")
        runner.wait_for(r"ingress +callback\.accepted +account=shop")
        runner.wait_for(r"worker\.\d +reply\.sent")

        runner.process.send_signal(signal.SIGINT)
        assert runner.wait() == 0, runner.text()
        assert runner.left() == []


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        ("-m wxbus_ingress", "ingress was ended by SIGKILL"),
        ("-m wxbus_local.guard", "the guard process has ended"),
    ],
    ids=["ingress", "guard"],
)
def test_if_a_part_dies_all_end_and_it_is_named(runner: Runner, victim: str, said: str) -> None:
    """After kill -9 of one part the others are ended, the exit code is not 0 and the part is named."""
    runner.named(victim).kill()

    assert runner.wait() == 1
    assert said in runner.text()
    assert runner.left() == []


def test_if_the_runner_is_killed_nothing_is_left(runner: Runner) -> None:
    """After kill -9 of the command itself its guard ends all services."""
    runner.process.kill()

    assert runner.wait() == -signal.SIGKILL
    assert runner.left() == []


def test_servers_of_our_own_end_with_a_killed_runner(tmp_path: Path) -> None:
    """Without addresses given RabbitMQ and Redis are our own: they too end after kill -9, programs or containers.

    Workers can cut off a frozen one at a RabbitMQ of our own: they are told where its management is.
    """
    with running({"WXBUS_LOCAL_DATA": str(tmp_path / "data")}, cwd=tmp_path) as runner:
        runner.wait_ready()
        run_id = runner.run_id()
        workers = runner.having("-m wxbus_worker")
        assert workers
        assert all("WXBUS_AMQP_MANAGEMENT_URL" in worker.environ() for worker in workers)

        runner.process.kill()

        runner.wait()
        assert runner.left() == []
    assert containers_of(run_id) == []


def containers_of(run_id: str) -> list[str]:
    """Containers that a run has left, where there is a Docker engine."""
    try:
        engine = Engine()
    except NoEngine:
        return []
    with closing(engine):
        return [container.name for container in engine.containers_of(run_id)]


@pytest.mark.usefixtures("runner")
def test_two_cannot_use_one_folder(settings: dict[str, str], tmp_path: Path) -> None:
    """A second one is refused at once and told what to do: two brokers on one folder would spoil its data."""
    with running(settings, cwd=tmp_path) as second:
        assert second.wait() == 1
        assert "WXBUS_LOCAL_DATA" in second.text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"WXBUS_WORKER_APP": "mybot:router"}, "nothing_of_this_name"),
        ({"WXBUS_ACCOUNTS_FILE": "absent.toml"}, "absent.toml"),
        ({"WXBUS_INGRESS_BUDGET": "soon"}, "WXBUS_INGRESS_BUDGET"),
        ({"WXBUS_INGRESS_PORT": "eighty"}, "WXBUS_INGRESS_PORT"),
        ({"WXBUS_WECHAT_API_URL": "https://api.weixin.qq.com"}, "WXBUS_ACCOUNTS_FILE contains a public demo secret"),
        ({"WXBUS_LOCAL_ENV": ".local/env"}, "start in another terminal"),
    ],
    ids=["handlers", "accounts", "setting", "port", "demo-account", "terminal"],
)
def test_what_is_wrong_is_said_once_and_last_before_any_server_starts(
    settings: dict[str, str], tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    """A broken bot, a missing file, a wrong value: no server is looked for, and the reason ends the output."""
    (tmp_path / "mybot.py").write_text("import nothing_of_this_name\n")

    with running({**settings, **change}, cwd=tmp_path) as runner:
        assert runner.wait() == 1
        text = runner.text()

    assert "RabbitMQ " not in text
    assert text.count(reason) == 1 or change.get("WXBUS_WORKER_APP")
    assert reason in text[text.index("stopped: ") :]
    assert runner.left() == []


def test_what_a_part_said_last_is_the_reason_of_its_end(settings: dict[str, str], tmp_path: Path) -> None:
    """What only a service itself finds out stands in the last lines, and not only among the lines before."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "spool").write_text("no folder")

    with running(settings, cwd=tmp_path) as runner:
        assert runner.wait() == 1
        text = runner.text()

    last = text[text.index("stopped: ") :]
    assert "ingress ended with exit code 2" in last
    assert str(data / "spool") in last


def test_a_variable_without_effect_is_told_once(settings: dict[str, str], tmp_path: Path) -> None:
    """A misspelt name and one that the command sets itself; the port that is set is the one that is used."""
    port = free_port()
    change = {"WXBUS_ACOUNTS_FILE": "x", "WXBUS_INGRESS_HOST": "::", "WXBUS_INGRESS_PORT": str(port)}

    with running({**settings, **change}, cwd=tmp_path) as runner:
        runner.wait_ready()
        assert f"http://127.0.0.1:{port} " in runner.text()
        text = runner.text()

    assert text.count("WXBUS_ACOUNTS_FILE") == 1
    assert "did you mean WXBUS_ACCOUNTS_FILE?" in text
    assert "WXBUS_INGRESS_HOST is set, but has no effect" in text


def test_a_port_that_is_set_and_taken_is_an_error(settings: dict[str, str], tmp_path: Path) -> None:
    """Another port than the one asked for would surprise whoever asked."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running({**settings, "WXBUS_INGRESS_PORT": str(port)}, cwd=tmp_path) as runner:
            assert runner.wait() == 1

    assert f"WXBUS_INGRESS_PORT: port {port} is taken" in runner.text()


def test_the_file_of_variables_serves_commands_and_goes_with_the_run(runner: Runner, tmp_path: Path) -> None:
    """`. .local/env` is all that status, dead list and send need; only this user can read it."""
    file = tmp_path / "data/env"
    assert file.stat().st_mode & 0o077 == 0

    for command in ("wxbus_token status", "wxbus_worker dead list", "wxbus_sandbox send text hello"):
        done = subprocess.run(
            ["sh", "-c", f". {file}; exec {sys.executable} -m {command}"],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    runner.process.send_signal(signal.SIGINT)
    assert runner.wait() == 0
    assert not file.exists()


def test_changed_handlers_are_loaded_by_themselves(settings: dict[str, str], tmp_path: Path) -> None:
    """Whoever writes a handler saves it and tries it: nothing has to be started again."""
    bot = tmp_path / "changing.py"
    bot.write_text(BOT.format(answer="before"), encoding="utf-8")

    with running({**settings, "WXBUS_WORKER_APP": "changing:router", "WXBUS_LOCAL_WORKERS": "1"}, cwd=tmp_path) as run:
        sandbox = run.wait_ready()
        assert "before" in send(sandbox, "text", "hello")

        bot.write_text(BOT.format(answer="after"), encoding="utf-8")
        run.wait_for(r"worker\.reloading")
        run.wait_for(r"worker\.reloading[\s\S]*partition\.taken|worker\.reloading[\s\S]*worker\.started")
        assert "after" in send(sandbox, "text", "hello", "--wait", "30")


def test_with_a_real_account_there_is_no_sandbox_and_wechats_word_is_shown(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Tokens are fetched at the start, the callback addresses are composed, data is apart from that of the sandbox."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(REAL_ACCOUNTS, encoding="utf-8")
    settings.pop("WXBUS_NAMESPACE")

    with sandbox_process(accounts) as wechat:
        asyncio.run(refuse_classic_tokens(wechat))
        own = {
            "WXBUS_ACCOUNTS_FILE": str(accounts),
            "WXBUS_WECHAT_API_URL": wechat,
            "WXBUS_LOCAL_PUBLIC_URL": "https://my.name",
        }
        with running({**settings, **own}, cwd=tmp_path) as runner:
            runner.wait_for("Ctrl-C stops everything")
            text = runner.text()
            assert runner.having("-m wxbus_sandbox") == []
            assert runner.named("-m wxbus_ingress").environ()["WXBUS_NAMESPACE"] == "wxbus-real"

    assert "shop: WeChat gave an access token" in text.replace("shop      ", "shop: ")
    assert re.search(r"cafe: WeChat gives no access token: .*40164", text)
    assert "https://my.name/wechat/shop" in text
    assert "allow-list" in text
    assert "wxbus_sandbox" not in text
    assert (tmp_path / "data/real/keys").is_dir()
    assert not (tmp_path / "data/keys").exists()


BOT = """
from wxbus.wechat import reply
from wxbus_worker import Router

router = Router("changing")


@router.text
async def answer() -> reply.Text:
    return reply.Text("{answer}")
"""

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


@contextmanager
def sandbox_process(accounts: Path) -> Iterator[str]:
    """A sandbox that stands where WeChat would: its address."""
    port = free_port()
    variables = environment(WXBUS_ACCOUNTS_FILE=str(accounts), WXBUS_SANDBOX_PORT=str(port))
    command = [sys.executable, "-m", "wxbus_sandbox"]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "sandbox.listening" in process.stderr.readline()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def refuse_classic_tokens(sandbox: str) -> None:
    """Let WeChat refuse one kind of token for the address that asks."""
    async with SandboxClient.open(sandbox) as client:
        await client.fault(Fault(path="/cgi-bin/token", errcode=40164, times=1000))
