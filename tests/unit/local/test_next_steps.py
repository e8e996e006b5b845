"""What `make run` prints when all services are ready."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from wxbus_local.console.next_steps import print_sandbox_steps
from wxbus_local.console.screen import Screen
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.plan import Plan

ACCOUNT = '[accounts.{name}]\nkind = "mini_program"\nappid = "wx1"\ntoken = "t"\nmodes = ["plain"]\n'


@pytest.mark.parametrize(("name", "option"), [("shop", ""), ("cafe", "cafe")])
def test_the_first_message_goes_to_an_account_of_the_file(tmp_path: Path, name: str, option: str) -> None:
    """The command that is shown works with own accounts, too: it names one, unless that is its default."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(ACCOUNT.format(name=name), encoding="utf-8")
    printed = StringIO()
    plan = Plan.of(LocalSettings(accounts_file=accounts), data=tmp_path)
    print_sandbox_steps(Screen(Console(file=printed)), plan)
    (command,) = (line for line in printed.getvalue().splitlines() if "wxbus_sandbox send" in line)
    _, _, shown = command.partition(" --account ")
    assert shown == option
    (command,) = (line for line in printed.getvalue().splitlines() if "wxbus_sandbox login" in line)
    assert command.endswith(f" --account {name}"), "the default is another Mini Program"
    assert f"/{name}/docs" in printed.getvalue()
