"""Demo secrets are rejected with the real WeChat."""

import re
from pathlib import Path

import pytest

from tests.support.compose import default_of
from tests.support.readme import ROOT
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import is_wechat, reject_demo_secrets
from wxbus.errors import ConfigurationError
from wxbus.rpc.auth.keys import read_entries

REAL = ["http://sandbox:8082", "https://api.weixin.qq.com"]


def test_every_demo_secret_is_rejected_with_the_real_wechat() -> None:
    """The error has one line per setting, and no secret."""
    password = default_of("RABBITMQ_PASSWORD")
    encryption_keys, api_key = default_of("WXBUS_TOKEN_ENCRYPTION_KEYS"), default_of("WXBUS_WORKER_TOKEN_API_KEY")
    entries = read_entries(ROOT / default_of("WXBUS_TOKEN_API_KEYS_FILE"))

    with pytest.raises(ConfigurationError) as caught:
        reject_demo_secrets(
            REAL,
            urls={
                "WXBUS_AMQP_URL": f"amqp://wxbus:{password}@rabbitmq/",
                "WXBUS_REDIS_URL": f"redis://:{default_of('REDIS_PASSWORD')}@redis:6379/0",
            },
            values={
                "WXBUS_TOKEN_ENCRYPTION_KEYS": f"2026-01:bm90LWEtZGVtby1rZXk=,{encryption_keys}",
                "WXBUS_WORKER_TOKEN_API_KEY": api_key,
                "WXBUS_TOKEN_API_KEYS_FILE": ",".join(entry.sha256 or "" for entry in entries),
            },
            accounts=Accounts.read(ROOT / default_of("WXBUS_ACCOUNTS_FILE")),
        )

    text = str(caught.value)
    assert [line.split()[0] for line in text.splitlines()] == [
        "WXBUS_AMQP_URL",
        "WXBUS_REDIS_URL",
        "WXBUS_TOKEN_ENCRYPTION_KEYS",
        "WXBUS_WORKER_TOKEN_API_KEY",
        "WXBUS_TOKEN_API_KEYS_FILE",
        "WXBUS_ACCOUNTS_FILE",
    ]
    assert "RABBITMQ_PASSWORD" in text
    assert not any(secret in text for secret in (password, encryption_keys, api_key))


@pytest.mark.parametrize("secret", ["token", "aes_key", "secret"])
def test_one_secret_of_a_sample_account_is_rejected(tmp_path: Path, secret: str) -> None:
    """A single demo secret in the accounts file is rejected."""
    sample = (ROOT / "deploy/demo_bot/accounts.toml").read_text(encoding="utf-8")
    ours = {"token": "t" * 20, "aes_key": "k" * 43, "secret": "s" * 32}
    for name in ours.keys() - {secret}:
        sample = re.sub(rf'^{name} = ".*"', f'{name} = "{ours[name]}"', sample, flags=re.MULTILINE)
    (tmp_path / "accounts.toml").write_text(sample, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"^WXBUS_ACCOUNTS_FILE"):
        reject_demo_secrets(REAL, accounts=Accounts.read(tmp_path / "accounts.toml"))


def test_demo_secrets_are_allowed_with_the_sandbox() -> None:
    """Demo secrets with the sandbox and other secrets with WeChat are allowed."""
    demo = f"redis://:{default_of('REDIS_PASSWORD')}@redis:6379/0"
    reject_demo_secrets(["http://sandbox:8082"], urls={"WXBUS_REDIS_URL": demo})
    reject_demo_secrets(REAL, urls={"WXBUS_REDIS_URL": "redis://:mine@redis:6379/0"}, values={"WXBUS_X": "a:b,c:d"})


@pytest.mark.parametrize(
    ("url", "real"),
    [
        ("https://api.weixin.qq.com", True),
        ("https://sh.api.weixin.qq.com", True),
        ("https://qyapi.weixin.qq.com", True),
        ("https://weixin.qq.com.example.com", False),
        ("http://sandbox:8082", False),
    ],
)
def test_urls_of_wechat(url: str, real: bool) -> None:
    """A URL of WeChat is recognised by its domain, including all data centres and WeCom."""
    assert is_wechat(url) is real
