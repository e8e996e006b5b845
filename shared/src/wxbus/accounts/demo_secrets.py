"""The public demo secrets of docker-compose.yml and of the sample accounts."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from wxbus.accounts.models import Account
from wxbus.errors import ConfigurationError

WECHAT: Final = "weixin.qq.com"
"""Domain of the APIs of WeChat and WeCom."""

FINGERPRINTS: Final = frozenset(
    {
        "6d70a3515a08593e58e07584aaa74be39eb3d1f68b9b6456f73c20ef7c1d3164",  # passwords in docker-compose.yml
        "a114f75aceaa56487c7988f52c5de07c34515300871c83e354c5394f2c84090d",  # encryption key
        "40b63adb72219dbca880df8f6f88613b0effe51e4dbddafee48817d580bc4e9f",  # worker key
        "16c6fba84dbcce426aa040062561ed5d23f0b8392d5d324e70fe0a4ddcc05ff1",  # gateway key
        "3aadfec5195ae05810f81a950dbbca9d9391167e1ca435f76a3b43a987b5ed2d",  # the gateway's encryption key
        "f7a92cba2bc87d58e341aed0c2f060c1de63da7bbd518976c53e6e8d78251858",  # shop token
        "cf1f64ae231a13be758ef921c563d7e7b137c1afe00549623d296149a171d192",  # shop aes_key
        "bfa24f12568227b42ddaa47a83aad51413f13615d4d3c2b1924033e701ace5a4",  # shop secret
        "dbd2d17bf06063256a02b0b85265843feee6080fe81724e8759236b2e4d0b134",  # mini token
        "fb33965219e53e183ad3c6e168b1f0a2279d3769d77ddd3469c89e57a614ff8a",  # mini aes_key
        "a70ab12eb58705e46a0968aad5ac55f50f7988f7d027cce2041c3490a0e329fb",  # mini secret
    }
)
"""SHA-256 hex digest of each demo secret."""

COMPOSE: Final = {"WXBUS_AMQP_URL": "RABBITMQ_PASSWORD", "WXBUS_REDIS_URL": "REDIS_PASSWORD"}
"""Variable of docker-compose.yml with the password of each URL."""


def reject_demo_secrets(
    api_urls: Iterable[str],
    *,
    urls: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    accounts: Iterable[Account] = (),
) -> None:
    """Reject demo secrets of a service that calls the real WeChat.

    Args:
        api_urls: API base URLs of the service; demo secrets are allowed if none is WeChat's.
        urls: URLs that may contain a password, by their setting.
        values: Other secrets or their SHA-256, by their setting; comma-separated, each may be `id:secret`.
        accounts: All accounts of the accounts file.

    Raises:
        ConfigurationError: A demo secret is used; the text has one line per setting.
    """
    real = next((url for url in api_urls if is_wechat(url)), None)
    if real is None:
        return
    passwords = {name: unquote(urlsplit(url).password or "") for name, url in (urls or {}).items()}
    found = [
        f"{name} ({COMPOSE[name]} in docker-compose.yml)" for name, secret in passwords.items() if _is_demo(secret)
    ]
    found += [name for name, value in (values or {}).items() if any(map(_is_demo, _parts(value)))]
    if any(map(_has_demo_secret, accounts)):
        found.append("WXBUS_ACCOUNTS_FILE")
    if found:
        why = f"contains a public demo secret, but the service calls WeChat ({real})"
        raise ConfigurationError("\n".join(f"{name} {why}: set your own secret" for name in found))


def is_wechat(url: str) -> bool:
    """Return whether an API URL belongs to WeChat."""
    host = urlsplit(url).hostname or ""
    return host == WECHAT or host.endswith(f".{WECHAT}")


def _parts(value: str) -> list[str]:
    return [part.strip().rpartition(":")[2] for part in value.split(",")]


def _has_demo_secret(account: Account) -> bool:
    secrets = (account.token, account.aes_key, account.secret)
    return any(_is_demo(secret.get_secret_value()) for secret in secrets if secret is not None)


def _is_demo(secret: str) -> bool:
    return secret in FINGERPRINTS or hashlib.sha256(secret.encode()).hexdigest() in FINGERPRINTS
