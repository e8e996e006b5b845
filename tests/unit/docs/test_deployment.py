"""Rules of the compose file, the images and the locks."""

import asyncio
import json
import os
import re
import subprocess
import tomllib
from collections.abc import AsyncIterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.compose import COMPOSE, default_of
from tests.support.readme import ROOT
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.runtime.admin import listening
from wxbus.store.keyring import Keyring
from wxbus_local.servers.ports import free_port

CLIENTS = {"aio-pika", "aiormq", "redis", "testcontainers"}
"""Libraries that only some of the services need."""

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")


def test_the_demo_keys_match() -> None:
    """The default API keys of the callers are in the default keys file, and the default encryption keys are valid."""
    keys = ApiKeys.read(ROOT / default_of("WXBUS_TOKEN_API_KEYS_FILE"))

    assert keys(default_of("WXBUS_WORKER_TOKEN_API_KEY")) is not None
    assert keys(default_of("WXBUS_GATEWAY_TOKEN_API_KEY")) is not None
    Keyring.parse(default_of("WXBUS_TOKEN_ENCRYPTION_KEYS"))
    Keyring.parse(default_of("WXBUS_GATEWAY_ENCRYPTION_KEYS"))


HEALTH = re.compile(r"^HEALTHCHECK (?P<options>.*) CMD (?P<command>\[.*\])$", re.MULTILINE)


def test_rabbitmq_is_healthy_only_when_its_port_listens() -> None:
    """RabbitMQ counts as healthy when its port listens: a ping of the node succeeds seconds earlier."""
    assert "/dev/tcp/127.0.0.1/5672" in COMPOSE
    assert "rabbitmq-diagnostics" not in re.sub("#.*", "", COMPOSE)


def test_health_checks_are_cheap_and_allow_a_slow_start() -> None:
    """Health checks start no interpreter, and a slow start is not a failure."""
    found = list(HEALTH.finditer(DOCKERFILE))

    assert len(found) == 5
    for check in found:
        options = dict(re.findall(r"--([a-z-]+)=(\d+)", check["options"]))
        assert int(options["start-period"]) >= 120
        assert 10 <= int(options["interval"]) <= 15
        assert json.loads(check["command"])[0] == "ready"
    assert COMPOSE.count("<<: *checked") == COMPOSE.count("healthcheck:") == 2
    assert re.search(r"x-checked: &checked\n  interval: 10s\n.*  start_period: 120s", COMPOSE, re.DOTALL)


def test_services_restart_and_run_below_an_init() -> None:
    """Services restart after a crash and run below an init process, which reaps children and forwards signals."""
    assert re.search(r"x-service: &service\n  init: true.*\n  restart: unless-stopped\n", COMPOSE)
    assert COMPOSE.count("<<: *service") == 5
    assert COMPOSE.count("restart: unless-stopped") == 3  # of the services, RabbitMQ and Redis


@pytest.fixture
async def admin() -> AsyncIterator[int]:
    """Yield a port that answers 200 at `/readyz` and 503 elsewhere."""

    async def ready(_request: web.Request) -> web.Response:
        return web.json_response({"parts": {}})

    async def unready(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.add_routes([web.get("/readyz", ready), web.get("/{other}", unready)])
    async with listening(app, host="127.0.0.1", port=0) as port:
        yield port


@pytest.mark.parametrize(("path", "code"), [("/readyz", 0), ("/other", 1)])
async def test_the_health_check_succeeds_only_when_ready(admin: int, path: str, code: int) -> None:
    """The health check of the images succeeds on 200 only."""
    check = await asyncio.create_subprocess_exec(ROOT / "deploy/docker/ready", str(admin), path, "60")

    assert await check.wait() == code


async def test_the_health_check_fails_on_a_closed_port() -> None:
    """The health check fails on a closed port."""
    ready = ROOT / "deploy/docker/ready"
    check = await asyncio.create_subprocess_exec(ready, str(free_port()), "/readyz", stderr=asyncio.subprocess.DEVNULL)

    assert await check.wait() == 1


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "works"])
def test_a_failed_compose_demo_prints_states_and_logs_before_down(tmp_path: Path, fails: bool) -> None:
    """A failed run prints states and logs before `down` removes them, and exits with the code of what failed."""
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
        f'case "$*" in *" up "*) exit {int(fails)};; "ps "*health=unhealthy*) echo wxbus-demo-worker-1;; esac\n',
        encoding="utf-8",
    )
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run([ROOT / "deploy/docker/compose-demo", "true"], env=environment, check=False)

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert done.returncode == int(fails)
    assert calls[-1].endswith("down --volumes --timeout 5")
    assert [call for call in calls if call.startswith("logs")] == ["logs --tail 40 wxbus-demo-worker-1"] * fails
    assert any(call.endswith(" ps --all") for call in calls) is fails


def test_mounts_use_the_long_form() -> None:
    """Mounts use the long form: the short form would read `accounts.toml` of .env as the name of a volume."""
    assert re.findall(r"^ *- \$\{\w+:-[^}]*\}:/.*", COMPOSE, re.MULTILINE) == []
    for variable in ("WXBUS_ACCOUNTS_FILE", "WXBUS_TOKEN_API_KEYS_FILE", "WXBUS_WORKER_APP_DIR"):
        assert (ROOT / default_of(variable)).exists()


def test_each_image_runs_as_a_user_and_has_a_health_check() -> None:
    """No image runs as root, and each has a health check."""
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    services = {match[1]: stage for stage in stages if (match := re.match(r"base AS (?!build)(\S+)", stage))}

    assert set(services) == {"ingress", "worker", "token", "gateway", "sandbox"}
    for stage in services.values():
        assert "USER wxbus" in stage
        assert "HEALTHCHECK" in stage


def test_the_build_context_is_what_the_images_copy() -> None:
    """Docker gets what the Dockerfile copies, and neither accounts, secrets nor the data of `make run`."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    first, *rules = [line for line in lines if not line.startswith("#")]
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)

    assert first == "*"
    for rule in allowed:
        assert any(fits(path, rule) for path in copied), f"no image copies {rule}"
    for path in copied:
        assert any(fits(path, rule) for rule in allowed), f"{path} is not in the build context"


def fits(path: str, rule: str) -> bool:
    """Return whether a rule of .dockerignore allows a path."""
    return fnmatch(path, rule) or path.startswith(f"{rule}/")


def test_images_install_only_pinned_packages() -> None:
    """Images install only what the lock files pin; our own distributions are built without downloads."""
    for command in re.findall(r"pip (?:--python \S+ )?install [^\n\\]*", DOCKERFILE):
        assert "--require-hashes" in command or "--no-index" in command
    assert DOCKERFILE.count("pip wheel") == DOCKERFILE.count("--no-build-isolation --no-deps")


def test_locks_name_no_index_and_pin_every_package() -> None:
    """A lock file contains versions and hashes and no address, so the index of the user applies."""
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--index" not in text, lock
        for requirement in re.findall(r"^[a-zA-Z].*(?:\n    .*)*", text, re.MULTILINE):
            assert "==" in requirement, lock
            assert "--hash=sha256:" in requirement, lock


def test_an_image_has_only_the_libraries_of_its_service() -> None:
    """Ingress has no Redis client, the sandbox no client at all, and no image has test libraries."""
    found = {service: set(pins(service)) & CLIENTS for service in ("ingress", "sandbox", "token", "worker")}

    assert found == {
        "ingress": {"aio-pika", "aiormq"},
        "sandbox": set(),
        "token": {"aio-pika", "aiormq", "redis"},
        "worker": {"aio-pika", "aiormq", "redis"},
    }


def test_locks_of_services_match_the_lock_of_the_checkout() -> None:
    """The lock of a service pins the versions and hashes of the checkout's lock: deployments use what was tested."""
    tested = pins("dev")
    for service in ("ingress", "sandbox", "token", "worker", "build"):
        for name, pinned in pins(service).items():
            assert tested.get(name) == pinned, f"{service}: {name}; run `make lock`"


def pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package in a lock."""
    text = (ROOT / f"locks/{lock}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)[^\n]*((?:\n    .*)*)", text, re.MULTILINE)
    return {name: (version, frozenset(re.findall(r"sha256:\w+", hashes))) for name, version, hashes in found}


def test_all_distributions_have_one_version() -> None:
    """All distributions have the same version, because they are released together."""
    files = [ROOT / "shared", *(ROOT / "services").iterdir(), ROOT / "deploy/local"]
    projects = [tomllib.loads((file / "pyproject.toml").read_text("utf-8"))["project"] for file in files]

    assert len({project["version"] for project in projects}) == 1
    assert len({project["requires-python"] for project in projects}) == 1
