"""Ingress and worker reject accounts whose replies cannot reach their users."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsFile
from wxbus_ingress.server import serve as serve_ingress
from wxbus_ingress.settings import IngressSettings
from wxbus_worker import ConfigurationError, Router
from wxbus_worker.app import serve as serve_worker
from wxbus_worker.settings import WorkerSettings

CORP = '[accounts.corp]\nappid = "ww1"\nkind = "wecom"\ntoken = "t"\naes_key = "' + "a" * 43 + '"\n'
SHOP = '[accounts.shop]\nappid = "wx1"\nkind = "official_account"\n'
WORKS = 'reply = "passive"\nlate_reply = "retry_window"\n'


@pytest.mark.parametrize("service", ["ingress", "worker"])
async def test_the_service_does_not_start(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file, the account and the valid settings, before any connection."""
    path = tmp_path / "accounts.toml"
    path.write_text(CORP, encoding="utf-8")
    monkeypatch.setenv("WXBUS_ACCOUNTS_FILE", str(path))
    monkeypatch.setenv("WXBUS_AMQP_URL", "amqp://127.0.0.1:1/")
    monkeypatch.setenv("WXBUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WXBUS_WORKER_TOKEN_API_KEY", "wxb_worker_" + "a" * 43)
    registry = CollectorRegistry()
    serving: Awaitable[None] = (
        serve_ingress(IngressSettings(), registry=registry)
        if service == "ingress"
        else serve_worker(WorkerSettings(), Router(), stopping=asyncio.Event(), registry=registry)
    )
    with pytest.raises(ConfigurationError) as caught:
        await serving
    assert str(caught.value) == (
        f"accounts file {path}: corp: messages to members need an agent_id, the AgentId of the application; "
        'without it set reply = "passive" and late_reply = "retry_window"'
    )


async def test_a_later_change_is_rejected(tmp_path: Path) -> None:
    """An invalid change keeps the previous accounts; a valid one is loaded."""
    path = tmp_path / "accounts.toml"
    path.write_text(SHOP, encoding="utf-8")
    file = AccountsFile(path, registry=CollectorRegistry())
    file.require(Accounts.check_replies)
    path.write_text(SHOP + CORP, encoding="utf-8")
    file.reload_soon()
    await file.poll()
    with pytest.raises(ConfigurationError, match="corp: messages"):
        await file.check()
    assert [account.name for account in file.current] == ["shop"]
    path.write_text(SHOP + CORP + WORKS, encoding="utf-8")
    file.reload_soon()
    await file.poll()
    await file.check()
    assert [account.name for account in file.current] == ["shop", "corp"]
