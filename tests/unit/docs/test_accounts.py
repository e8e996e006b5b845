"""The accounts page matches the code, in both languages."""

import re
from pathlib import Path

import pytest

from tests.support.readme import ROOT, blocks
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.config.account_tables import SECRETS
from wxbus.config.settings import variables
from wxbus_ingress.settings import IngressSettings

PAGE, CHINESE = ROOT / "docs/how-to/accounts.md", ROOT / "docs/how-to/accounts.zh-CN.md"
PAGES = pytest.mark.parametrize("page", [PAGE, CHINESE], ids=lambda page: page.name)


@PAGES
def test_the_table_has_every_field(page: Path) -> None:
    """The table lists every field of an account with its default."""
    rows = re.findall(r"^\| (`[^|]*)\|([^|]*)\|", page.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name: default.strip() for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    fields = {name: field for name, field in Account.model_fields.items() if name != "name"}

    assert set(named) == set(fields)
    for name, default in named.items():
        if default.startswith("`"):
            shown = fields[name].default
            words = [str(one) for one in (shown if isinstance(shown, tuple) else [shown])]
            assert re.findall(r"\w+", default) == [word.lower() if word == "False" else word for word in words]


@PAGES
def test_every_named_setting_exists(page: Path) -> None:
    """Every variable that a page names is a setting."""
    named = set(re.findall(r"\bWXBUS_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))

    assert "WXBUS_INGRESS_IP_ALLOWLIST_TRUSTED_PROXIES" in named
    assert named <= variables(IngressSettings)


def test_the_sample_accounts_load(tmp_path: Path) -> None:
    """All samples together form a valid accounts file; the branch account belongs to the platform."""
    (tmp_path / "secrets").mkdir()
    samples = "\n".join(blocks(PAGE, "toml"))
    for name in re.findall(r'"secrets/(\w+)"', samples):
        kind = next(kind for kind in SECRETS if name.endswith(kind))
        (tmp_path / "secrets" / name).write_text("k" * 43 if kind == "aes_key" else "value", encoding="utf-8")
    (tmp_path / "accounts.toml").write_text(samples, encoding="utf-8")

    accounts = Accounts.read(tmp_path / "accounts.toml")

    assert [account.name for account in accounts] == ["shop", "platform", "branch", "corp"]
    assert {account.kind for account in accounts} == set(AccountKind)
    assert accounts.of("wxfedcba9876543210", via="platform").component == "platform"
    assert accounts.named("corp").effective_receive_id == "ww0123456789abcdef"
