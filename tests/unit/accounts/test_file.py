"""Reloading of the accounts file."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsFile
from wxbus.config.watched_file import WatchedFile
from wxbus.errors import ConfigurationError, UnknownAccount

POLL = 0.01
NEVER = 3600.0


def accounts(*names: str, source: str = 'secret_file = "secret"') -> str:
    """Return the text of a file with accounts of these names."""
    return "".join(f'[accounts.{name}]\nappid = "wx{name}"\nkind = "mini_program"\n{source}\n' for name in names)


class Watched:
    """A watched file and the accounts of its callback."""

    def __init__(self, path: Path, *, poll: float = POLL) -> None:
        self.path = path
        self.registry = CollectorRegistry()
        self.file = AccountsFile(path, registry=self.registry, poll=poll)
        self.changes: asyncio.Queue[Accounts] = asyncio.Queue()
        self.file.on_change(self.changes.put_nowait)

    def secret(self, name: str) -> str:
        """Return the current secret of an account."""
        found = self.file.current.named(name).secret
        assert found is not None
        return found.get_secret_value()

    async def rejected(self) -> str:
        """Wait until the file is rejected, and return the error."""
        while True:
            try:
                await self.file.check()
            except ConfigurationError as exc:
                return str(exc)
            await asyncio.sleep(POLL)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """Watch a file with the account `shop`, whose secret is in a separate file."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop"), encoding="utf-8")
    (tmp_path / "secret").write_text("first", encoding="utf-8")
    watched = Watched(path)
    async with watched.file.watching():
        yield watched


async def test_a_change_in_place_is_loaded(watched: Watched) -> None:
    """A new account in the file is loaded without a restart, and the callbacks are called."""
    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")

    changed = await watched.changes.get()

    assert [account.name for account in changed] == ["shop", "mini"]
    assert watched.file.of("wxmini").name == "mini"
    await watched.file.check()


async def test_a_replaced_file_is_loaded(watched: Watched) -> None:
    """A renamed file with the same size and time is detected."""
    other = watched.path.with_name("new")
    other.write_text(accounts("shed"), encoding="utf-8")
    stat = watched.path.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(watched.path)

    assert [account.name for account in await watched.changes.get()] == ["shed"]


async def test_a_file_that_is_being_written_is_not_loaded(tmp_path: Path) -> None:
    """A file that changes between two polls is not loaded yet: a partial file may be valid but incomplete."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop", source=""), encoding="utf-8")
    file = AccountsFile(path, registry=CollectorRegistry())
    for count in range(1, 4):
        path.write_text(accounts(*"abc"[:count], source=""), encoding="utf-8")
        await file.poll()
        assert [account.name for account in file.current] == ["shop"]

    await file.poll()

    assert [account.name for account in file.current] == ["a", "b", "c"]


async def test_a_swapped_link_is_loaded(tmp_path: Path) -> None:
    """A swapped link to the folder of the files, as in Kubernetes, is detected."""
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "accounts.toml").write_text(accounts("shop"), encoding="utf-8")
        (folder / "secret").write_text(name, encoding="utf-8")
    (tmp_path / "..data").symlink_to("one")
    for name in ("accounts.toml", "secret"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    watched = Watched(tmp_path / "accounts.toml")
    async with watched.file.watching():
        (tmp_path / "..new").symlink_to("two")
        (tmp_path / "..new").rename(tmp_path / "..data")
        await watched.changes.get()

    assert watched.secret("shop") == "two"


async def test_a_secret_file_is_watched(watched: Watched) -> None:
    """A changed secret file is loaded although the accounts file did not change."""
    (watched.path.parent / "secret").write_text("second", encoding="utf-8")
    await watched.changes.get()

    assert watched.secret("shop") == "second"


async def test_sighup_reloads_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGHUP reloads secrets in variables."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop", source='secret_env = "SHOP_SECRET"'), encoding="utf-8")
    monkeypatch.setenv("SHOP_SECRET", "first")
    watched = Watched(path)
    async with watched.file.watching():
        monkeypatch.setenv("SHOP_SECRET", "second")
        os.kill(os.getpid(), signal.SIGHUP)
        await watched.changes.get()

    assert watched.secret("shop") == "second"


async def test_sighup_reloads_all_files(tmp_path: Path) -> None:
    """SIGHUP reloads all files that are watched together."""
    path, other_path = tmp_path / "accounts.toml", tmp_path / "words"
    path.write_text(accounts("shop", source=""), encoding="utf-8")
    other_path.write_text("one", encoding="utf-8")
    watched = Watched(path, poll=NEVER)
    other = WatchedFile(other_path, Path.read_text, name="words", registry=watched.registry, poll=NEVER)
    words: asyncio.Queue[str] = asyncio.Queue()
    other.on_change(words.put_nowait)
    async with watched.file.watching(other):
        other_path.write_text("two", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGHUP)
        assert await words.get() == "two"
        await watched.changes.get()
    assert watched.registry.get_sample_value("wxbus_words_file_invalid") == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[accounts.shop", "accounts.toml"),
        ("", "it has no account"),
        (accounts("shop", source='secret_file = "nowhere"'), "shop: secret_file"),
        (accounts("shop", source="secret_file = 5"), "secret_file: must be a string"),
    ],
)
async def test_an_invalid_file_is_not_loaded(watched: Watched, text: str, named: str) -> None:
    """An invalid file keeps the previous accounts; the error contains no secret; a valid file is loaded again."""
    before = watched.file.current
    watched.path.write_text(text, encoding="utf-8")

    error = await watched.rejected()

    assert named in error
    assert "first" not in error
    assert watched.file.current is before
    assert watched.changes.empty()
    assert watched.registry.get_sample_value("wxbus_accounts_file_invalid") == 1

    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")
    await watched.changes.get()
    await watched.file.check()
    assert watched.registry.get_sample_value("wxbus_accounts_file_invalid") == 0


async def test_a_missing_secret_file_is_loaded_when_it_appears(watched: Watched) -> None:
    """A missing secret file is watched, too."""
    watched.path.write_text(accounts("shop", source='secret_file = "later"'), encoding="utf-8")
    await watched.rejected()
    (watched.path.parent / "later").write_text("late", encoding="utf-8")
    await watched.changes.get()

    assert watched.secret("shop") == "late"


async def test_accounts_that_a_callback_rejects_are_not_loaded(watched: Watched) -> None:
    """A callback can reject the accounts of a valid file."""

    def reject(_: Accounts) -> None:
        raise ConfigurationError("no use")

    watched.file.on_change(reject)
    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")

    assert await watched.rejected() == "no use"
    with pytest.raises(UnknownAccount):
        watched.file.of("wxmini")
