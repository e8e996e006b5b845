"""The whole token service: accounts file, API keys, HTTP, a real Redis, and the sandbox as WeChat."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from tests.support.stores import REDIS_TIMEOUT
from wxbus.accounts.accounts import Accounts
from wxbus.config.settings import AccountsSettings, LogSettings, StoreSettings, WeChatApiSettings
from wxbus.rpc.auth.keys import new_key
from wxbus.runtime.admin import listening
from wxbus.store.keyring import new_encryption_key
from wxbus_sandbox.app import build_app
from wxbus_sandbox.control.client import SandboxClient
from wxbus_token.app import Addresses, serving
from wxbus_token.settings import CallsSettings, TokenSettings

SHOP = "wx0000000000000001"
CAFE = "wx0000000000000002"
SECRETLESS = "wx0000000000000003"
KIOSK = "wx0000000000000004"
KIOSK_SECRET = "SECRET-OF-KIOSK-0123456789abcdef"
"""WeChat knows this account; the accounts file does not have it."""
ACCOUNTS = f"""
[accounts.shop]
appid = "{SHOP}"
kind = "official_account"
secret = "SECRET-OF-SHOP-0123456789abcdef"

[accounts.cafe]
appid = "{CAFE}"
kind = "mini_program"
secret = "SECRET-OF-CAFE-0123456789abcdef"

[accounts.none]
appid = "{SECRETLESS}"
kind = "official_account"
"""

WECHAT_HAS = f"""{ACCOUNTS}
[accounts.kiosk]
appid = "{KIOSK}"
kind = "official_account"
secret = "{KIOSK_SECRET}"
"""
WAIT = 30.0
"""Seconds until `eventually` fails."""
WECHAT_TIMEOUT = 12.0
"""Seconds for an answer of the sandbox on a busy machine."""


@dataclass
class Place:
    """The sandbox, the settings of the service, and API keys."""

    sandbox: SandboxClient
    settings: TokenSettings
    key: str
    shop_key: str
    admin_key: str

    async def fetched(self, appid: str = SHOP) -> int:
        """Return how many stable tokens WeChat has issued."""
        counts = await self.sandbox.token_counts()
        return counts[appid].stable if appid in counts else 0


@asynccontextmanager
async def placed(
    tmp_path: Path, redis_url: str, namespace: str, *, more: str = "", gateway_url: str | None = None
) -> AsyncIterator[Place]:
    """Yield a place with these accounts and those of `more`; the sandbox's page knows the gateway."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS + more)
    key, entry = new_key("worker", ["token:get:*", "token:report_invalid:*"])
    shop_key, shop_entry = new_key("shop", [f"token:get:{SHOP}"])
    admin_key, admin_entry = new_key("admin", ["*:*:*"])
    (tmp_path / "keys.toml").write_text("\n\n".join(made.as_toml() for made in (entry, shop_entry, admin_entry)))
    (tmp_path / "wechat.toml").write_text(WECHAT_HAS + more)
    app = build_app(
        Accounts.read(tmp_path / "wechat.toml"),
        ingress_url="http://127.0.0.1:9",
        public_url="http://127.0.0.1:9",
        gateway_url=gateway_url,
    )
    async with (
        listening(app, host="127.0.0.1", port=0) as port,
        SandboxClient.open(f"http://127.0.0.1:{port}") as sandbox,
    ):
        settings = TokenSettings(
            port=0,
            admin_port=0,
            wait_timeout=WAIT,
            encryption_keys=SecretStr(new_encryption_key("k1")),
            api_keys_file=tmp_path / "keys.toml",
            store=StoreSettings(redis_url=SecretStr(redis_url), namespace=namespace),
            accounts=AccountsSettings(accounts_file=tmp_path / "accounts.toml"),
            wechat=WeChatApiSettings(
                wechat_api_url=sandbox.url, wecom_api_url=f"{sandbox.url}/wecom", wechat_api_timeout=WECHAT_TIMEOUT
            ),
            calls=CallsSettings(amqp_url=None, namespace=namespace),
            log=LogSettings(),
        )
        yield Place(sandbox, settings, key, shop_key, admin_key)


def served(settings: TokenSettings) -> AbstractAsyncContextManager[Addresses]:
    """Run one instance in this process, which waits for a Redis on a busy machine; yields its ports."""
    return serving(settings, registry=CollectorRegistry(), answer_timeout=REDIS_TIMEOUT)


@asynccontextmanager
async def service(settings: TokenSettings) -> AsyncIterator[str]:
    """Run one instance in this process; yields its address."""
    async with served(settings) as addresses:
        scheme = "http" if settings.tls_cert_file is None else "https"
        yield f"{scheme}://127.0.0.1:{addresses.port}"


def rewrite(path: Path, text: str) -> None:
    """Replace a file that a service in this process watches; the service reads it at once."""
    path.write_text(text)
    signal.raise_signal(signal.SIGHUP)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as `holds` returns True."""
    async with asyncio.timeout(WAIT):
        while not await holds():  # noqa: ASYNC110 - another instance, or another process, has no event to wait for
            await asyncio.sleep(0.01)
