"""Accounts of a file: sources of secrets, validation, and lookup."""

import traceback
from pathlib import Path

import pytest

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.config.account_tables import secret_files
from wxbus.errors import ConfigurationError, UnknownAccount

KEY = "A" * 42 + "7"


def read(tmp_path: Path, text: str) -> Accounts:
    """Return the accounts of a file with this text."""
    file = tmp_path / "accounts.toml"
    file.write_text(text, encoding="utf-8")
    return Accounts.read(file)


def test_secrets_come_from_the_file_the_environment_or_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret comes from the file, a variable, or a separate file without its final newline."""
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


def test_previous_keys_may_come_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of previous keys have the same sources as those of the account."""
    monkeypatch.setenv("OLD_TOKEN", "old")
    (tmp_path / "old_aes_key").write_text(KEY, encoding="utf-8")

    account = read(
        tmp_path,
        f"""
        [accounts.shop]
        appid = "wx1"
        kind = "mini_program"
        token = "new"
        aes_key = "{KEY}"
        [[accounts.shop.previous_keys]]
        token_env = "OLD_TOKEN"
        aes_key_file = "old_aes_key"
        """,
    ).named("shop")

    (previous,) = account.previous_keys
    assert previous.aes_key is not None
    assert (previous.token.get_secret_value(), previous.aes_key.get_secret_value()) == ("old", KEY)
    assert secret_files(tmp_path / "accounts.toml") == [tmp_path / "old_aes_key"]


def test_files_may_have_windows_encoding(tmp_path: Path) -> None:
    """A byte order mark and CRLF line ends are not part of names and secrets."""
    (tmp_path / "密钥").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    text = '# 商店\n[accounts.shop]\nappid = "wx1"\nkind = "mini_program"\nsecret_file = "密钥"\n'
    (tmp_path / "账号.toml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    account = Accounts.read(tmp_path / "账号.toml").named("shop")

    assert account.secret is not None
    assert account.secret.get_secret_value() == "s3cret"


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_file_must_be_utf_8(tmp_path: Path, encoding: str) -> None:
    """The error names the encoding, and contains nothing of the file."""
    (tmp_path / "accounts.toml").write_text('# topsecret 商店\n[accounts.shop]\nappid = "wx1"', encoding=encoding)

    with pytest.raises(ConfigurationError, match=r"accounts\.toml: it is not UTF-8 \(line 1\)") as caught:
        Accounts.read(tmp_path / "accounts.toml")

    assert "topsecret" not in "".join(traceback.format_exception(caught.value))


def test_the_current_key_is_first(tmp_path: Path) -> None:
    """Current and previous keys are accepted; the current one is first and seals replies."""
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
        ('appid = "wx1"\nkind = "mini_program"\naes_key = "topsecret"', "43 letters and digits, as WeChat's console"),
        (f'appid = "wx1"\nkind = "mini_program"\naes_key = "{"topsecret".ljust(43, "A")}="', "it has 44 characters"),
        ('appid = "wx1"\nkind = "mini_program"\nsecret = "topsecret "', "secret: must not be empty or contain blanks"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken = ""', "token: must not be empty"),
        ('appid = "wx1"\nkind = "mini_program"\nname = "other"', "shop: name: not allowed"),
        ('appid = "wx1"\nkind = "mini_program"\nmodes = "plain"', "modes: must be a list"),
        ('appid = "wx1"\nkind = "mini_program"\nprevious_keys = "old"', "previous_keys: must be a list"),
        (
            'appid = "wx1"\nkind = "mini_program"\n[[accounts.shop.previous_keys]]\ntoken_file = "no"',
            "no: No such file",
        ),
        (
            'appid = "wx1"\nkind = "mini_program"\n[account.other]',
            "account: unknown key; everything must be below [accounts.NAME]",
        ),
        (f'appid = "wx1"\nkind = "mini_program"\naes_key = "{"topsecret".ljust(43, "!")}"', "aes_key"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken = "topsecret"\ntoken_env = "T"', "token, token_env"),
        ('appid = "wx1"\nkind = "mini_program"\ntoken_env = "NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
        ('appid = "wx1"\nkind = "mini_program"\nsecret_file = "nowhere"', "secret_file"),
        ('appid = "wx1"\nkind = "mini_program"\ncolour = "red"', "colour: unknown field"),
        ('appid = "wx1"\nkind = "mini_program"\nsecret_env = 5', "secret_env: must be a string"),
        ('appid = "wx1:2"\nkind = "wecom"', "appid"),
        ('appid = "wx1"\nkind = "component"\nmodes = ["plain"]', "secure mode and XML only"),
        ('appid = "wx1"\nkind = "component"\nformats = ["json"]', "secure mode and XML only"),
        ('appid = "wx1"\nkind = "mini_program"\nreceive_id = "wx2"', "receive_id is for WeCom only"),
        ('appid = "wx1"\nkind = "mini_program"\ncomponent = "p"\nsecret = "topsecret"', "must not have a token"),
        ('appid = "wx1"\nkind = "mini_program"\ncomponent = "missing"', "missing"),
        ("not toml", "accounts.toml"),
    ],
)
def test_the_error_of_an_invalid_account_contains_no_secret(tmp_path: Path, lines: str, named: str) -> None:
    """The error names the account, the field and the reason, and contains no secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, f"[accounts.shop]\n{lines}")

    assert named in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_two_accounts_must_not_share_an_appid(tmp_path: Path) -> None:
    """Two accounts with the same appid are an error."""
    text = """
    [accounts.a]
    appid = "wx1"
    kind = "mini_program"
    [accounts.b]
    appid = "wx1"
    kind = "mini_program"
    """
    with pytest.raises(ConfigurationError, match=r"accounts\.toml: a and b have the same appid"):
        read(tmp_path, text)


def test_an_unknown_account_raises(tmp_path: Path) -> None:
    """An unknown name or appid raises UnknownAccount, for which ingress responds with 404."""
    accounts = read(tmp_path, "")

    with pytest.raises(UnknownAccount):
        accounts.named("shop")
    with pytest.raises(UnknownAccount):
        accounts.of("wx1")


PLATFORM = """
[accounts.platform]
appid = "wxp"
kind = "component"
secret = "s"
reply = "passive"
[accounts.listed]
appid = "wxl"
kind = "mini_program"
component = "platform"
"""


def test_authorizers_of_a_platform(tmp_path: Path) -> None:
    """An authorizer that is not in the file gets an account from its platform, without the platform's secret."""
    accounts = read(tmp_path, PLATFORM)

    account = accounts.of("wxother", via="platform")

    assert (account.name, account.appid, account.kind) == ("platform", "wxother", AccountKind.OFFICIAL_ACCOUNT)
    assert (account.component, account.reply, account.secret) == ("platform", "passive", None)
    assert accounts.of("wxl", via="platform").name == "listed"
    for via in ("", "listed", "missing"):
        with pytest.raises(UnknownAccount):
            accounts.of("wxother", via=via)


def test_an_unknown_appid_belongs_to_the_only_platform(tmp_path: Path) -> None:
    """An appid without its platform belongs to the only platform; with two platforms it is unknown."""
    second = '[accounts.second]\nappid = "wxs"\nkind = "component"\n'

    assert read(tmp_path, PLATFORM).owner_of("wxother").name == "platform"
    for text in ("", PLATFORM + second):
        with pytest.raises(UnknownAccount):
            read(tmp_path, text).owner_of("wxother")


@pytest.mark.parametrize(
    ("line", "receive_id"), [("", "ww1-2"), ('receive_id = "ww1"', "ww1"), ('receive_id = ""', "")]
)
def test_receive_ids_of_wecom(tmp_path: Path, line: str, receive_id: str) -> None:
    """WeCom's receive id is corpid, suiteid or "" (protocol reference 1.6); it may differ from the appid."""
    account = read(tmp_path, f'[accounts.corp]\nappid = "ww1-2"\nkind = "wecom"\n{line}').named("corp")

    assert account.effective_receive_id == receive_id


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "mini_program",
            'reply = "passive"',
            "passive is not valid for mini_program, use customer_service or transfer",
        ),
        (
            "official_account",
            'reply = "transfer"',
            "transfer is not valid for official_account, use customer_service or passive",
        ),
        ("official_account", 'late_reply = "retry_window"', 'needs reply = "passive"'),
        ("component", 'reply = "passive"\nauthorizer_kind = "mini_program"', "passive is not valid for mini_program"),
    ],
)
def test_valid_replies_by_kind(tmp_path: Path, kind: str, settings: str, message: str) -> None:
    """Official Accounts and WeCom have passive replies; Mini Programs can only transfer (protocol reference 4.3)."""
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, f'[accounts.a]\nappid = "wx1"\nkind = "{kind}"\n{settings}')


def test_synchronous_events(tmp_path: Path) -> None:
    """The default is protocol reference 4.4; an account may list others, case-insensitively."""
    kind = 'kind = "mini_program"'
    accounts = read(
        tmp_path,
        f"""
        [accounts.usual]
        appid = "wx1"
        {kind}
        [accounts.own]
        appid = "wx2"
        {kind}
        synchronous = ["My_*", "check_biz"]
        [accounts.none]
        appid = "wx3"
        {kind}
        synchronous = []
        """,
    )
    events = ("xpay_goods_deliver_notify", "CHECK_BIZ", "transport_cancel_order", "my_event", "my", "subscribe", "")
    answered = {account.name: [event for event in events if account.is_synchronous(event)] for account in accounts}
    assert answered == {
        "usual": ["xpay_goods_deliver_notify", "CHECK_BIZ", "transport_cancel_order"],
        "own": ["CHECK_BIZ", "my_event"],
        "none": [],
    }


def test_replies_of_wecom_can_reach_their_users(tmp_path: Path) -> None:
    """Messages need an agent_id; without it, and for a suite, replies are passive. A robot has no settings."""
    corp = f'[accounts.corp]\nappid = "ww1-2"\nkind = "wecom"\ntoken = "t"\naes_key = "{"a" * 43}"\n'
    passive = 'reply = "passive"\nlate_reply = "retry_window"\n'
    for line in ("agent_id = 1000002", passive, f'provider_corpid = "ww2"\n{passive}', 'receive_id = ""'):
        read(tmp_path, corp + line).check_replies()
    for line, reason in (
        ("", "messages to members need an agent_id"),
        ('reply = "passive"', "messages to members need an agent_id"),
        ('agent_id = 1\nprovider_corpid = "ww2"', "no tokens of the customers of a suite"),
    ):
        accounts = read(tmp_path, corp + line)
        with pytest.raises(ConfigurationError, match=f'corp: .*{reason}.* set reply = "passive" and late_reply = '):
            accounts.check_replies()
    for line in ('receive_id = ""\nreply = "customer_service"', f'receive_id = ""\n{passive}'):
        with pytest.raises(ConfigurationError, match=r"a robot of WeCom .* has none"):
            read(tmp_path, corp + line)


def test_other_accounts_pass_the_check(tmp_path: Path) -> None:
    """The default is valid for other kinds, and for WeCom accounts without callbacks."""
    read(tmp_path, '[accounts.a]\nappid = "ww1"\nkind = "wecom"\nsecret = "s"').check_replies()
    read(tmp_path, '[accounts.a]\nappid = "wx1"\nkind = "official_account"').check_replies()
    read(tmp_path, '[accounts.a]\nappid = "wx1"\nkind = "mini_program"').check_replies()
