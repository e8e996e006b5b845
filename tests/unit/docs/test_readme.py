"""The README matches the code, in both languages."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from tests.support.readme import BOTH, README, ROOT, blocks, the_block
from wxbus.accounts.accounts import Accounts
from wxbus.config.settings import variables
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.store.keyring import Keyring
from wxbus_ingress.settings import IngressSettings, Limits
from wxbus_local.settings import LocalSettings
from wxbus_sandbox.settings import Address, SandboxSettings
from wxbus_token.settings import TokenSettings
from wxbus_worker.settings import WorkerSettings

DOCUMENTS = [*BOTH, ROOT / "CONTRIBUTING.md"]
SETTINGS: tuple[type[BaseSettings], ...] = (
    IngressSettings,
    Limits,
    LocalSettings,
    SandboxSettings,
    Address,
    TokenSettings,
    WorkerSettings,
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_make_target_exists(document: Path) -> None:
    """Every make target that a document names exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = document.read_text(encoding="utf-8")

    named = set(re.findall(r"(?:^|`|WXBUS_\S+ )make ([a-z-]+)", text, re.MULTILINE))

    assert named
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("document", BOTH, ids=lambda path: path.name)
def test_every_named_setting_exists(document: Path) -> None:
    """Every variable that a page names is a setting."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    known = set().union(*map(variables, SETTINGS)) | set(re.findall(r"\$\{([A-Z_]+)", compose))

    named = set(re.findall(r"\b(?:WXBUS|RABBITMQ|REDIS)_[A-Z_]*[A-Z]\b(?!_)(?!\.\.\.)", document.read_text("utf-8")))

    assert "WXBUS_WORKER_APP" in named
    assert named <= known


def test_the_sample_account_loads(tmp_path: Path) -> None:
    """The sample account loads, with its secrets in separate files."""
    (tmp_path / "accounts.toml").write_text(the_block(README, "toml", "[accounts.shop]"), encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    for name, value in {"token": "consoletoken", "aes_key": "k" * 43, "secret": "s" * 32}.items():
        (tmp_path / "secrets" / name).write_text(value + "\n", encoding="utf-8")

    account = Accounts.read(tmp_path / "accounts.toml").named("shop")

    assert account.secret is not None
    assert account.secret.get_secret_value() == "s" * 32


def keys_of(text: str) -> set[str]:
    """Return the keys that code uses in a user's context."""
    return set(re.findall(r"""storage(?:\.\w+\(|\[)["'](\w+)["']""", text))


def test_samples_share_no_data() -> None:
    """Samples use different keys, so that they can run one after the other in the same Redis."""
    readme = "\n".join(blocks(README, "python"))
    samples = {
        "README": keys_of(readme),
        "tutorial": keys_of("\n".join(blocks(ROOT / "docs/tutorial/first-bot.md", "python"))),
        "guide": keys_of("\n".join(blocks(ROOT / "docs/how-to/handlers.md", "python"))),
        "demo": keys_of((ROOT / "deploy/demo_bot/handlers.py").read_text(encoding="utf-8")),
    }

    assert all(samples.values())
    assert len(set.union(*samples.values())) == sum(map(len, samples.values()))


@pytest.mark.parametrize("document", BOTH, ids=lambda path: path.name)
def test_the_first_sample_and_the_guide_have_different_module_names(document: Path) -> None:
    """The module of the README and the package of the guide have different names."""
    (own,) = re.findall(r"WXBUS_WORKER_APP=(\w+):", document.read_text(encoding="utf-8"))
    guide = (ROOT / "docs/how-to/handlers.md").read_text(encoding="utf-8")

    assert f"`{own}.py`" in document.read_text(encoding="utf-8")
    assert own not in re.findall(r"--app (\w+)\.", guide)


def typed(document: Path, words: str, module: str = "wxbus_token") -> "subprocess.CompletedProcess[str]":
    """Run a command of a table in the document."""
    commands = re.findall(rf"`\.venv/bin/python (-m {module} {words}[^`]*)`", document.read_text(encoding="utf-8"))
    assert len(commands) == 1
    return run(*(word.strip("'") for word in commands[0].split()))


@cache
def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments; once, for the two languages have the same commands."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=120)


@pytest.mark.parametrize("document", BOTH, ids=lambda path: path.name)
async def test_the_commands_for_keys_print_valid_keys(document: Path, tmp_path: Path) -> None:
    """The services can read what the commands print."""
    for module in ("wxbus_token", "wxbus_gateway"):
        Keyring.parse(typed(document, "encryption-key", module).stdout.strip())
    for caller in ("worker", "gateway"):
        printed = typed(document, f"keys new {caller}")
        output = printed.stdout + printed.stderr
        (tmp_path / "api_keys.toml").write_text(output[output.index("[[keys]]") :], encoding="utf-8")
        principal = ApiKeys.read(tmp_path / "api_keys.toml")(printed.stdout.split()[0])

        assert principal is not None
        assert principal.name == caller
