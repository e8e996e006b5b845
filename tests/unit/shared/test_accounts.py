"""The accounts file: where secrets may come from, and what is said of a wrong one."""

from pathlib import Path

import pytest

from wxbus.accounts import AccountKind, Accounts
from wxbus.errors import ConfigurationError, UnknownAccount

KEY = "A" * 42 + "7"


def read(tmp_path: Path, text: str) -> Accounts:
    """The accounts of a file with this text."""
    file = tmp_path / "accounts.toml"
    file.write_text(text, encoding="utf-8")
    return Accounts.read(file)


def test_secrets_come_from_the_file_the_environment_or_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret may stand in the file, in a variable, or in a file of its own, whose last newline is no part of it."""
    monkeypatch.setenv("SHOP_TOKEN", "from-environment")
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")

    account = read(
        tmp_path,
        f"""
        [accounts.shop]
        appid = "wx1"
        kind = "official_account"
        token_env = "SHOP_TOKEN"
        aes_key = "{KEY}"
        secret_file = "secret"
        """,
    ).named("shop")

    assert account.kind is AccountKind.OFFICIAL_ACCOUNT
    assert account.token is not None
    assert account.secret is not None
    assert account.token.get_secret_value() == "from-environment"
    assert account.secret.get_secret_value() == "from-file"


def test_the_current_key_stands_before_the_previous_ones(tmp_path: Path) -> None:
    """While keys are changed both are accepted; the current one is first, it answers."""
    account = read(
        tmp_path,
        f"""
        [accounts.shop]
        appid = "wx1"
        kind = "mini_program"
        token = "new"
        aes_key = "{KEY}"
        [[accounts.shop.previous_keys]]
        token = "old"
        aes_key = "{KEY}"
        """,
    ).of("wx1")

    assert [key.token.get_secret_value() for key in account.keys] == ["new", "old"]


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('kind = "official_account"', "appid"),
        ('appid = "wx1"\nkind = "blog"', "kind"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken = "t"', "aes_key"),
        ('appid = "wx1"\nkind = "mini_program"\naes_key = "topsecret"', "aes_key"),
        (f'appid = "wx1"\nkind = "mini_program"\naes_key = "{"topsecret".ljust(43, "!")}"', "aes_key"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken = "topsecret"\ntoken_env = "T"', "token, token_env"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken_env = "NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
        ('appid = "wx1"\nkind = "mini_program"\nsecret_file = "nowhere"', "secret_file"),
        ('appid = "wx1"\nkind = "mini_program"\ncolour = "red"', "colour"),
        ("not toml", "accounts.toml"),
    ],
)
def test_a_wrong_account_is_named_without_its_secrets(tmp_path: Path, lines: str, named: str) -> None:
    """The error says which account and field is wrong and why, and shows no secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, f"[accounts.shop]\n{lines}")

    assert named in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_two_accounts_must_not_share_an_appid(tmp_path: Path) -> None:
    """An appid names one account: its token is one."""
    text = """
    [accounts.a]
    appid = "wx1"
    kind = "mini_program"
    [accounts.b]
    appid = "wx1"
    kind = "mini_program"
    """
    with pytest.raises(ConfigurationError, match="same appid"):
        read(tmp_path, text)


def test_an_unknown_account_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Ingress answers 404 for it, so it is no KeyError."""
    accounts = read(tmp_path, "")

    with pytest.raises(UnknownAccount):
        accounts.named("shop")
    with pytest.raises(UnknownAccount):
        accounts.of("wx1")
