"""The spool keeps envelopes on disk in the order of arrival, and refuses what exceeds its limits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.envelopes import an_envelope
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.errors import ConfigurationError, SpoolUnavailable
from wxbus_ingress.settings import SpoolLimits
from wxbus_ingress.spool import location
from wxbus_ingress.spool.database import open_for_reading
from wxbus_ingress.spool.file import SpoolFile
from wxbus_ingress.spool.rows import decode, encode, read_envelopes
from wxbus_ingress.spool.spool import Spool

Opening = Callable[..., AbstractAsyncContextManager[Spool]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of the spool file."""
    return tmp_path / "wxbus" / "spool-0.sqlite"


@pytest.fixture
def opening(path: Path) -> Opening:
    """Opens the spool with these limits."""

    def open_(**limits: Any) -> AbstractAsyncContextManager[Spool]:
        return Spool.open(path, SpoolLimits(**{"disk_floor": 0, **limits}))

    return open_


@pytest.fixture
async def spool(opening: Opening) -> AsyncIterator[Spool]:
    """An open spool."""
    async with opening() as opened:
        yield opened


async def add(spool: Spool, *envelopes: Envelope) -> None:
    """Add envelopes at once."""
    await asyncio.gather(*(spool.add(spool.next_number(), envelope) for envelope in envelopes))


async def contents(spool: Spool, limit: int = 1000) -> list[Envelope]:
    """Return the envelopes in the spool, in order."""
    return [spooled.envelope for spooled in await spool.oldest(limit)]


async def test_envelopes_survive_a_restart(opening: Opening) -> None:
    """All fields survive, above all the id: a copy in RabbitMQ has the same one."""
    sent = [
        an_envelope(1, reply_to="answers", correlation_id="c", expiration=4.25, attempt=3, replay=True),
        an_envelope(2, openid="o_2", body='{"Content":"你好"}'.encode(), kind=EnvelopeKind.DELIVERED_PASSIVELY),
        replace(an_envelope(3), openid=None),
    ]
    async with opening() as spool:
        await add(spool, *sent)
        assert spool.rows == 3
        assert spool.bytes == sum(len(encode(envelope)) for envelope in sent)
    async with opening() as spool:
        assert (sent, 3) == (await contents(spool), spool.rows)
        assert spool.next_number() > 3


async def test_envelopes_are_ordered_by_number(spool: Spool) -> None:
    """A callback that is added late, after a timeout of RabbitMQ, has the place of its arrival."""
    first, second, third = (spool.next_number() for _ in range(3))
    for number in (second, third, first):
        await spool.add(number, an_envelope(number))

    assert [int(envelope.body) for envelope in await contents(spool)] == [1, 2, 3]
    assert [int(envelope.body) for envelope in await contents(spool, limit=2)] == [1, 2]


async def test_a_first_number_is_before_all_others(opening: Opening) -> None:
    """The number is unique and first after a restart too."""
    async with opening() as spool:
        await add(spool, an_envelope(1), an_envelope(2))
        for number in (3, 4):
            await spool.add(spool.next_number(first=True), an_envelope(number))
        assert {int(envelope.body) for envelope in await contents(spool, limit=2)} == {3, 4}
        await spool.remove([1, 2])
    async with opening() as spool:
        await add(spool, an_envelope(5))
        await spool.add(spool.next_number(first=True), an_envelope(6))
        assert [int(envelope.body) for envelope in await contents(spool)][-1] == 5
        assert spool.rows == 4


async def test_one_id_is_one_row(spool: Spool) -> None:
    """An envelope that is added twice has one row, at its first place."""
    twice = an_envelope(1)
    await add(spool, twice, an_envelope(2), twice)

    assert ([envelope.body for envelope in await contents(spool)], spool.rows) == ([b"1", b"2"], 2)


async def test_removed_envelopes_are_not_returned(spool: Spool) -> None:
    """Removed envelopes are not returned again; the others stay."""
    envelopes = [an_envelope(number) for number in range(4)]
    await add(spool, *envelopes)
    numbers = [spooled.number for spooled in await spool.oldest(10)]
    await spool.remove(numbers[1:3])

    assert [envelope.body for envelope in await contents(spool)] == [b"0", b"3"]
    assert (spool.rows, spool.bytes) == (2, sum(len(encode(envelopes[n])) for n in (0, 3)))
    await spool.remove([numbers[0], numbers[3]])
    assert (spool.rows, spool.bytes, spool.oldest_age) == (0, 0, 0)


async def test_waiting_envelopes_share_a_commit(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred callbacks at once need far fewer flushes of the disk."""
    commits = 0
    original = SpoolFile.transaction

    @contextmanager
    def counted(self: SpoolFile) -> Iterator[None]:
        nonlocal commits
        commits += 1
        with original(self):
            yield

    monkeypatch.setattr(SpoolFile, "transaction", counted)
    await add(spool, *(an_envelope(number) for number in range(100)))

    assert spool.rows == 100
    assert commits < 50


async def test_every_commit_reaches_the_disk(spool: Spool) -> None:
    """WAL with synchronous=FULL: a weaker setting loses acknowledged callbacks in a power failure."""
    pragmas = await spool.writer.run(
        lambda file: [
            file._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )

    assert pragmas == ["wal", 2]


async def test_a_second_process_is_refused(spool: Spool, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes with one file would publish everything twice and out of order."""
    monkeypatch.setattr(location, "LOCK_TIMEOUT", 0)
    assert location.is_in_use(spool.path)

    with pytest.raises(ConfigurationError, match=r"spool-0.sqlite cannot be used: another process holds the lock"):
        await opening().__aenter__()


async def test_an_unusable_folder_is_named(path: Path, opening: Opening) -> None:
    """A folder that cannot be used is an error that names the spool."""
    path.parent.parent.joinpath("wxbus").write_text("a file", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=f"the spool {path} cannot be used: "):
        await opening().__aenter__()


async def test_other_users_cannot_read_it(spool: Spool) -> None:
    """The folder is closed to other users: rows contain texts of users."""
    assert spool.path.parent.stat().st_mode & 0o077 == 0


def damaged(path: Path, *, torn: bool) -> int:
    """Damage a file; return its size."""
    content = path.read_bytes()
    broken = content[: len(content) // 2] + bytes(len(content) // 2) if torn else b"garbage" * 2000
    return path.write_bytes(broken)


@pytest.mark.parametrize("damage", ["garbage", "torn"])
async def test_a_damaged_file_is_moved_aside(opening: Opening, path: Path, damage: str) -> None:
    """Ingress starts in spite of the damage, and the damaged file is kept."""
    async with opening() as spool:
        await add(spool, *(an_envelope(number, body=b"x" * 5000) for number in range(50)))
    size = damaged(path, torn=damage == "torn")

    async with opening() as spool:
        await add(spool, an_envelope(1))
        assert len(await contents(spool)) == 1
    [aside] = path.parent.glob("spool-0.sqlite.bad-*")
    assert aside.stat().st_size == size


async def test_above_the_size_limit_envelopes_are_refused(opening: Opening) -> None:
    """Rows stay, and a smaller envelope that fits is accepted."""
    small, large = an_envelope(1), an_envelope(2, body=b"x" * 10_000)
    async with opening(size_limit=5_000) as spool:
        outcomes = await asyncio.gather(
            *(spool.add(spool.next_number(), envelope) for envelope in (small, large, an_envelope(3))),
            return_exceptions=True,
        )
        assert [None, SpoolUnavailable, None] == [outcome and type(outcome) for outcome in outcomes]
        assert "the spool is full" in str(outcomes[1])
        assert [envelope.body for envelope in await contents(spool)] == [b"1", b"3"]


async def test_above_the_age_limit_envelopes_are_refused(opening: Opening) -> None:
    """Workers detect duplicates for seven days, so an old spool must be noticed earlier."""
    async with opening() as spool:
        await add(spool, an_envelope(1))
    async with opening(age_limit=1e-9) as spool:
        with pytest.raises(SpoolUnavailable, match="over the age limit"):
            await add(spool, an_envelope(2))
        with pytest.raises(SpoolUnavailable, match="over the age limit"):
            await spool.check()
        assert spool.rows == 1
        assert spool.oldest_age > 0


async def test_below_the_disk_floor_envelopes_are_refused(opening: Opening) -> None:
    """Removing rows and writing logs need free space."""
    async with opening(disk_floor=2**62) as spool:
        with pytest.raises(SpoolUnavailable, match="the disk is nearly full"):
            await add(spool, an_envelope(1))
        assert spool.rows == 0


async def test_a_full_disk_is_never_success(spool: Spool) -> None:
    """If the disk is full, no add in the commit succeeds; the spool continues when there is space."""
    await add(spool, an_envelope(1))
    [pages] = await spool.writer.run(lambda file: file._connection.execute("PRAGMA max_page_count = 12").fetchone())
    assert pages == 12
    outcomes = await asyncio.gather(
        *(spool.add(spool.next_number(), an_envelope(n, body=b"x" * 9_000)) for n in range(2, 12)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert refused
    assert all("database or disk is full" in str(outcome) for outcome in refused)
    assert len(await contents(spool)) == spool.rows == 1 + len(outcomes) - len(refused)

    await spool.writer.run(lambda file: file._connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await add(spool, an_envelope(20))
    assert (await contents(spool))[-1].body == b"20"


async def test_the_queue_is_limited_by_number(opening: Opening) -> None:
    """Callbacks that wait for the disk are in memory, so their number is limited."""
    async with opening(queue_limit=10) as spool:
        outcomes = await asyncio.gather(
            *(spool.add(spool.next_number(), an_envelope(number)) for number in range(15)), return_exceptions=True
        )
        assert [None] * 10 + [SpoolUnavailable] * 5 == [outcome and type(outcome) for outcome in outcomes]
        assert spool.writer.pending_adds == 0


async def test_the_queue_is_limited_by_bytes(opening: Opening) -> None:
    """A cancelled callback counts until the disk answers."""
    async with opening(queue_bytes_limit=1000) as spool:
        large = [an_envelope(number, body=b"x" * 2000) for number in range(3)]
        given_up = asyncio.create_task(spool.add(spool.next_number(), large[0]))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(SpoolUnavailable, match="wait for the disk: the limit"):
            await spool.add(spool.next_number(), large[1])
        await spool.check()  # the disk has answered
        await spool.add(spool.next_number(), large[2])

        assert [spooled.envelope.id for spooled in await spool.oldest(9)] == [large[0].id, large[2].id]


async def test_a_drained_spool_returns_its_disk_space(spool: Spool) -> None:
    """Otherwise a spool that was large would keep the disk below its floor."""
    await add(spool, *(an_envelope(number, body=b"x" * 100_000) for number in range(20)))
    await spool.remove([spooled.number for spooled in await spool.oldest(100)])
    await spool.check()  # it runs after the file was shrunk

    parts = (spool.path, spool.path.with_name(spool.path.name + "-wal"))
    assert sum(part.stat().st_size for part in parts) < 200_000


async def test_an_unreadable_row_does_not_stop_the_others(spool: Spool) -> None:
    """It is set aside, kept and counted."""
    await add(spool, an_envelope(1))
    await spool.writer.run(lambda file: file.add(spool.next_number(), "odd", b'{"kind": "unheard of"}'))
    await add(spool, an_envelope(3))

    assert [envelope.body for envelope in await contents(spool)] == [b"1", b"3"]
    assert (spool.rows, spool.unreadable) == (2, 1)


async def test_unreadable_rows_are_kept_after_a_restart(opening: Opening) -> None:
    """Numbers continue after those of unreadable rows."""
    paths: set[Path] = set()
    for run in (1, 2):
        async with opening() as spool:
            number = spool.next_number()
            await spool.writer.run(partial(SpoolFile.add, number=number, envelope_id=f"odd{run}", data=b"{}"))
            assert await contents(spool) == []
            assert (spool.rows, spool.unreadable) == (0, run)
            paths.add(spool.path)
    [path] = paths
    with open_for_reading(path) as connection:
        assert list(read_envelopes(connection)) == [b"{}", b"{}"]


async def test_a_cancelled_add_is_not_counted(spool: Spool) -> None:
    """Its pending count ends when the disk answers."""
    adding = asyncio.create_task(spool.add(spool.next_number(), an_envelope(1)))
    await asyncio.sleep(0)
    adding.cancel()
    await asyncio.wait([adding])
    await spool.check()

    assert spool.writer.pending_adds == 0


@given(
    number=st.integers(0, 10**6),
    fields=st.fixed_dictionaries(
        {
            "body": st.text().map(partial(str.encode, errors="replace")),
            "openid": st.none() | st.text(max_size=20),
            "received_at": st.floats(0, 1e10),
            "attempt": st.integers(1, 10),
            "expiration": st.none() | st.floats(0, 100),
        }
    ),
)
def test_an_envelope_is_read_as_it_was_written(number: int, fields: dict[str, Any]) -> None:
    """An envelope is the same after its encoding and after SQLite."""
    envelope = replace(an_envelope(number), **fields)

    with sqlite3.connect(":memory:") as connection:
        [data] = connection.execute("SELECT ?", (encode(envelope),)).fetchone()
    connection.close()
    assert envelope == decode(data)
