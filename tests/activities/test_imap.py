"""A mailbox on a real IMAP server: touched there only after it is kept here, and nothing is kept twice."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.connectors.imap import AWAY, Account, Poller
from activities.kit.mailroom import Envelope, Keeper, Spool
from models.kit.engine import engine_for
from tests.builders.mails import MOST, a_mail
from tests.conftest import Database
from tests.dovecot import PASSWORD, Dovecot, a_dovecot


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """In a folder that nobody, too, may walk to."""
    folder = Path(tempfile.mkdtemp(prefix="ieum-imap-", dir="/tmp"))
    folder.chmod(0o755)
    with a_dovecot(folder / "dovecot") as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def a_poller(engine: AsyncEngine, folder: Path, server: Dovecot, **more: bool) -> Poller:
    return Poller(Keeper(engine, folder), Account(server.url, PASSWORD, **more), MOST)


def kept(database: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        asked = "select size, source, reason from inbound_mails order by received_at, id"
        return owner.execute(asked).fetchall()


async def test_new_mails_are_kept_once_and_marked_as_seen(
    server: Dovecot, app_engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    poller = a_poller(app_engine, tmp_path, server)
    first, second = a_mail(), a_mail(text="안녕하세요")
    server.put(first)

    counts = [await poller.poll(), await poller.poll()]
    server.put(second)
    counts += [await poller.poll(), await poller.poll()]

    assert counts == [1, 0, 1, 0]
    assert kept(database) == [(len(first), "imap", ""), (len(second), "imap", "")]
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted((first, second))  # noqa: ASYNC240
    assert (server.uids("SEEN"), server.uids("UNSEEN")) == (["1", "2"], [])


async def test_a_mailbox_that_numbers_its_mails_anew_makes_nothing_twice(
    server: Dovecot, app_engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    poller = a_poller(app_engine, tmp_path, server)
    server.put(a_mail(), a_mail(), a_mail())
    await poller.poll()
    before = await poller.keeper.how_far(server.url)
    server.renumber()
    server.put(a_mail(text="a new one"))

    seen = await poller.poll()

    after = await poller.keeper.how_far(server.url)
    assert before[0] != after[0]
    assert (seen, len(kept(database))) == (4, 4)


async def test_a_mail_is_deleted_there_only_after_it_is_kept_here(
    server: Dovecot, app_engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    """The database goes away between fetching and keeping: the mail stays in the mailbox."""
    server.put(a_mail(), a_mail())
    nowhere = engine_for(database.app_url.replace(f":{database.cluster.port}/", ":1/"))

    class Failing(Keeper):
        async def keep(self, spool: Spool, envelope: Envelope) -> str:
            return await Keeper(nowhere, self.folder).keep(spool, envelope)

    broken = a_poller(app_engine, tmp_path, server, is_deleted_after=True)
    broken.keeper = Failing(app_engine, tmp_path)
    with pytest.raises(AWAY):
        await broken.poll()
    await nowhere.dispose()
    left = server.uids()

    await a_poller(app_engine, tmp_path, server, is_deleted_after=True).poll()

    assert (left, server.uids()) == (["1", "2"], [])
    assert len(kept(database)) == 2


async def test_what_people_marked_as_deleted_is_left_to_them(
    server: Dovecot, app_engine: AsyncEngine, tmp_path: Path
) -> None:
    poller = a_poller(app_engine, tmp_path, server, is_deleted_after=True)
    server.put(a_mail())
    await poller.poll()
    server.put(a_mail(), a_mail())
    with server.look() as box:
        box.client.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
    await poller.keeper.note(server.url, (await poller.keeper.how_far(server.url))[0], 2)

    await poller.poll()

    assert server.uids() == ["2"]


async def test_a_mail_that_is_too_large_leaves_its_head_and_stays(
    server: Dovecot, app_engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    server.put(a_mail(text="x\n" * MOST), a_mail())

    await a_poller(app_engine, tmp_path, server, is_deleted_after=True).poll()

    assert [row[2] for row in kept(database)] == ["too_large", ""]
    assert server.uids() == ["1"]


async def test_a_wrong_password_is_only_a_reason_to_come_again(
    server: Dovecot, app_engine: AsyncEngine, tmp_path: Path
) -> None:
    poller = Poller(Keeper(app_engine, tmp_path), Account(server.url, "wrong"), MOST)

    with pytest.raises(AWAY):
        await poller.poll()
