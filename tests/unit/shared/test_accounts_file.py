"""The accounts file, read again: what is noticed, and what becomes of a file that cannot be used."""

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
    """An accounts file with accounts of these names."""
    return "".join(f'[accounts.{name}]\nappid = "wx{name}"\nkind = "mini_program"\n{source}\n' for name in names)


class Watched:
    """A file that is watched, and what its taker was told."""

    def __init__(self, path: Path, *, poll: float = POLL) -> None:
        self.path = path
        self.registry = CollectorRegistry()
        self.file = AccountsFile(path, registry=self.registry, poll=poll)
        self.taken: asyncio.Queue[Accounts] = asyncio.Queue()
        self.file.on_change(self.taken.put_nowait)

    def secret(self, name: str) -> str:
        """The secret of an account, as it is known now."""
        found = self.file.current.named(name).secret
        assert found is not None
        return found.get_secret_value()

    async def refused(self) -> str:
        """Why the file is not used, once it is not."""
        while True:
            try:
                await self.file.check()
            except ConfigurationError as exc:
                return str(exc)
            await asyncio.sleep(POLL)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """One account, `shop`, whose secret is in a file of its own."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop"), encoding="utf-8")
    (tmp_path / "secret").write_text("first", encoding="utf-8")
    watched = Watched(path)
    async with watched.file.watching():
        yield watched


async def test_a_change_in_place_is_taken(watched: Watched) -> None:
    """An account that was written into the file is known without a restart, and the takers are told."""
    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")

    taken = await watched.taken.get()

    assert [account.name for account in taken] == ["shop", "mini"]
    assert watched.file.of("wxmini").name == "mini"
    await watched.file.check()


async def test_a_file_put_in_its_place_is_taken(watched: Watched) -> None:
    """Editors write a new file and rename it, perhaps with the old size and time."""
    other = watched.path.with_name("new")
    other.write_text(accounts("shed"), encoding="utf-8")
    stat = watched.path.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(watched.path)

    assert [account.name for account in await watched.taken.get()] == ["shed"]


async def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """What changes from look to look is not read yet: half a file may be a good one that lacks accounts."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop", source=""), encoding="utf-8")
    file = AccountsFile(path, registry=CollectorRegistry())
    for count in range(1, 4):
        path.write_text(accounts(*"abc"[:count], source=""), encoding="utf-8")
        await file.poll()
        assert [account.name for account in file.current] == ["shop"]

    await file.poll()

    assert [account.name for account in file.current] == ["a", "b", "c"]


async def test_a_swapped_link_is_taken(tmp_path: Path) -> None:
    """Kubernetes keeps all files behind one link to a folder, and swaps that link."""
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
        await watched.taken.get()

    assert watched.secret("shop") == "two"


async def test_a_secret_in_a_file_of_its_own_is_watched(watched: Watched) -> None:
    """A secret that was changed is used although the accounts file did not change."""
    (watched.path.parent / "secret").write_text("second", encoding="utf-8")
    await watched.taken.get()

    assert watched.secret("shop") == "second"


async def test_sighup_reads_at_once_what_no_file_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in a variable does not change a file: SIGHUP reads everything again."""
    path = tmp_path / "accounts.toml"
    path.write_text(accounts("shop", source='secret_env = "SHOP_SECRET"'), encoding="utf-8")
    monkeypatch.setenv("SHOP_SECRET", "first")
    watched = Watched(path)
    async with watched.file.watching():
        monkeypatch.setenv("SHOP_SECRET", "second")
        os.kill(os.getpid(), signal.SIGHUP)
        await watched.taken.get()

    assert watched.secret("shop") == "second"


async def test_sighup_is_for_all_files_that_are_watched_together(tmp_path: Path) -> None:
    """A process has one handler of a signal: a second file must not take it from the first."""
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
        await watched.taken.get()
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
async def test_a_broken_file_changes_nothing_and_is_named(watched: Watched, text: str, named: str) -> None:
    """The accounts from before stay; what is wrong is told, and no secret; mended, the file is taken again."""
    before = watched.file.current
    watched.path.write_text(text, encoding="utf-8")

    refused = await watched.refused()

    assert named in refused
    assert "first" not in refused
    assert watched.file.current is before
    assert watched.taken.empty()
    assert watched.registry.get_sample_value("wxbus_accounts_file_invalid") == 1

    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")
    await watched.taken.get()
    await watched.file.check()
    assert watched.registry.get_sample_value("wxbus_accounts_file_invalid") == 0


async def test_a_secrets_file_that_comes_later_mends_it(watched: Watched) -> None:
    """The files that are missing are looked for too, not only those that were read."""
    watched.path.write_text(accounts("shop", source='secret_file = "later"'), encoding="utf-8")
    await watched.refused()
    (watched.path.parent / "later").write_text("late", encoding="utf-8")
    await watched.taken.get()

    assert watched.secret("shop") == "late"


async def test_accounts_that_a_taker_refuses_are_not_taken(watched: Watched) -> None:
    """Who uses the accounts may find a fault that the file does not show."""

    def refuse(_: Accounts) -> None:
        raise ConfigurationError("no use")

    watched.file.on_change(refuse)
    watched.path.write_text(accounts("shop", "mini"), encoding="utf-8")

    assert await watched.refused() == "no use"
    with pytest.raises(UnknownAccount):
        watched.file.of("wxmini")
