"""The compose file and the images keep what is promised of them."""

import re
import tomllib

from tests.support.readme import ROOT
from wxbus.rpc.keys import ApiKeys
from wxbus_token.keyring import Keyring

CLIENTS = {"aio-pika", "aiormq", "redis", "testcontainers"}
"""Libraries that only some of the services need."""

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")


def default_of(variable: str) -> str:
    """The demo default that the compose file has for a variable."""
    (value,) = set(re.findall(rf"\$\{{{variable}:-([^}}]*)\}}", COMPOSE))
    return str(value)


def test_the_demo_keys_fit_each_other() -> None:
    """The worker's default key is the one in the default file, and the default vault key is one."""
    keys = ApiKeys.read(ROOT / default_of("WXBUS_TOKEN_API_KEYS_FILE"))

    assert keys(default_of("WXBUS_WORKER_TOKEN_API_KEY")) is not None
    Keyring.parse(default_of("WXBUS_TOKEN_VAULT_KEYS"))


def test_rabbitmq_is_healthy_only_when_its_port_listens() -> None:
    """A ping of the node succeeds seconds earlier: services would start into a closed port."""
    assert "check_port_connectivity" in COMPOSE
    assert '"ping"' not in COMPOSE


def test_a_file_may_be_named_without_its_folder() -> None:
    """In the short form of a mount compose takes `accounts.toml` of .env for the name of a volume."""
    assert re.findall(r"^ *- \$\{\w+:-[^}]*\}:/.*", COMPOSE, re.MULTILINE) == []
    for variable in ("WXBUS_ACCOUNTS_FILE", "WXBUS_TOKEN_API_KEYS_FILE", "WXBUS_WORKER_APP_DIR"):
        assert (ROOT / default_of(variable)).exists()


def test_each_image_runs_as_a_user_and_has_a_health_check() -> None:
    """No service runs as root; each says itself whether it is ready."""
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    services = {match[1]: stage for stage in stages if (match := re.match(r"base AS (?!build)(\S+)", stage))}

    assert set(services) == {"ingress", "worker", "token", "sandbox"}
    for stage in services.values():
        assert "USER wxbus" in stage
        assert "HEALTHCHECK" in stage


def test_what_goes_into_an_image_is_pinned_with_hashes() -> None:
    """Every download is by lock file; what we build takes no more from anywhere."""
    for command in re.findall(r"pip (?:--python \S+ )?install [^\n\\]*", DOCKERFILE):
        assert "--require-hashes" in command or "--no-index" in command
    assert DOCKERFILE.count("pip wheel") == DOCKERFILE.count("--no-build-isolation --no-deps")


def test_locks_name_no_index_and_pin_every_package() -> None:
    """A lock file holds versions and hashes only, so that everybody's own index is used."""
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--index" not in text, lock
        for requirement in re.findall(r"^[a-zA-Z].*(?:\n    .*)*", text, re.MULTILINE):
            assert "==" in requirement, lock
            assert "--hash=sha256:" in requirement, lock


def test_an_image_has_only_the_libraries_of_its_service() -> None:
    """Ingress needs no Redis client, the sandbox no client at all; what only tests need is in none."""
    found = {service: set(pins(service)) & CLIENTS for service in ("ingress", "sandbox", "token", "worker")}

    assert found == {
        "ingress": {"aiormq"},
        "sandbox": set(),
        "token": {"aiormq", "redis"},
        "worker": {"aiormq", "redis"},
    }


def test_an_image_has_what_a_checkout_has() -> None:
    """What was tested is what is deployed: a service's lock pins the versions and hashes of the checkout's lock."""
    tested = pins("dev")
    for service in ("ingress", "sandbox", "token", "worker", "build"):
        for name, pinned in pins(service).items():
            assert tested.get(name) == pinned, f"{service}: {name}; run `make lock`"


def pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package in a lock."""
    text = (ROOT / f"locks/{lock}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)[^\n]*((?:\n    .*)*)", text, re.MULTILINE)
    return {name: (version, frozenset(re.findall(r"sha256:\w+", hashes))) for name, version, hashes in found}


def test_all_distributions_have_one_version() -> None:
    """They are released together."""
    files = [ROOT / "shared", *(ROOT / "services").iterdir(), ROOT / "deploy/local"]
    projects = [tomllib.loads((file / "pyproject.toml").read_text("utf-8"))["project"] for file in files]

    assert len({project["version"] for project in projects}) == 1
    assert len({project["requires-python"] for project in projects}) == 1
