"""The stack with a service that cannot start."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import processes_of
from wxbus_local.servers.launcher import Servers
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.plan import Plan
from wxbus_local.stack.services import Service
from wxbus_local.stack.stack import ServiceEnded, Stack

pytestmark = pytest.mark.integration


def test_the_last_output_of_a_service_says_why_it_ended(servers: Servers, tmp_path: Path, namespace: str) -> None:
    """If one service ends, all do; the error ends with the service's own reason, which the command prints."""
    (tmp_path / "spool").write_text("not a folder", encoding="utf-8")
    plan = Plan.of(LocalSettings(namespace=namespace), data=tmp_path)
    another = Service([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    services = {"token": another, "ingress": Service([sys.executable, "-m", "wxbus_ingress"])}
    with Run.open() as run:
        environment = plan.environment(run, servers)
        started = replace(servers, started=())
        with (
            pytest.raises(ServiceEnded) as caught,
            Stack.running(run, started, plan.addresses, services, environment, on_line=lambda _: None) as stack,
        ):
            stack.wait_ready(lambda *_: None)
        assert processes_of(run.id) == []
    reason = str(caught.value)
    assert reason.startswith("ingress ended with exit code 2\n")
    assert str(tmp_path / "spool") in reason
