"""`make run`: all parts start, a message travels through them, and nothing is left however it ends."""

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.local.runner import Runner, running, send
from wxbus_local.containers import Engine, NoEngine

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
        return [container.name for container in engine.of_run(run_id)]


@pytest.mark.usefixtures("runner")
def test_two_cannot_use_one_folder(settings: dict[str, str], tmp_path: Path) -> None:
    """A second one is refused at once and told what to do: two brokers on one folder would spoil its data."""
    with running(settings, cwd=tmp_path) as second:
        assert second.wait() == 1
        assert "WXBUS_LOCAL_DATA" in second.text()


def test_a_broken_bot_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    """A handler module that does not import ends the start with the worker's own words for it."""
    (tmp_path / "mybot.py").write_text("import nothing_of_this_name\n")

    with running({**settings, "WXBUS_WORKER_APP": "mybot:router"}, cwd=tmp_path) as runner:
        assert runner.wait() == 1
        assert "nothing_of_this_name" in runner.text()
        assert "worker.1 ended with exit code 2" in runner.text() or "worker.2 ended with" in runner.text()
        assert runner.left() == []
