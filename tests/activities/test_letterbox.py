"""The door for mails: what it says yes to is kept, whatever happens behind it."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.mailroom import Envelope, Keeper, fingerprints
from models.kit.engine import engine_for
from models.messages.tickets.mails import MailSource
from tests.builders.mails import DESK, MOST, Letterbox, a_letterbox, a_mail, keep
from tests.conftest import Database


@pytest.fixture
async def box(app_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[Letterbox]:
    async with a_letterbox(app_engine, tmp_path) as letterbox:
        yield letterbox


def rows(database: Database, what: str = "*", table: str = "inbound_mails") -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(f"select {what} from {table} order by 1").fetchall()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_mail_is_kept_byte_for_byte_before_anybody_says_yes(
    box: Letterbox, database: Database, tmp_path: Path
) -> None:
    raw = a_mail(text="안녕하세요\n..two dots\n.\nend")

    said = await box.send(raw)

    [(name, size, status)] = rows(database, "stored_as, size, status")
    assert said.startswith("250 2.0.0 Kept as mail_")
    assert (tmp_path / str(name)).read_bytes() == raw
    assert (size, status) == (len(raw), "received")
    [(kind, workflow, queue)] = rows(database, "kind, workflow, task_queue", "outbox")
    assert (kind, workflow, queue) == ("start", "InboundMail", "desk")


async def test_the_same_mail_twice_is_one(box: Letterbox, database: Database, tmp_path: Path) -> None:
    raw = a_mail()
    on_another_way = b"Received: from a by b; Sun, 22 Nov 2026 12:00:01 +0900\r\n" + raw

    first, second = await box.send(raw), await box.send(on_another_way)

    assert first.startswith("250")
    assert second == "250 2.0.0 Kept, as before"
    assert len(rows(database)) == len(files(tmp_path)) == len(rows(database, table="outbox")) == 1


async def test_two_mails_with_one_message_id_and_other_words_are_two(
    box: Letterbox, database: Database
) -> None:
    for text in ("one", "two"):
        await box.send(a_mail(text=text, Message_ID="<same@example.test>"))

    assert len(rows(database)) == 2


async def test_the_door_is_no_relay(box: Letterbox, database: Database) -> None:
    said = [
        await box.send(a_mail(), to=to) for to in ("bob@elsewhere.test", "x@localhost", "help@localhost.evil")
    ]

    assert all(one.startswith("550 5.1.1") for one in said)
    assert rows(database) == []


@pytest.mark.parametrize("to", ["HELP@localhost", "help+t100001.abc@localhost", "postmaster@localhost"])
async def test_our_own_addresses_are_taken(box: Letterbox, to: str) -> None:
    assert (await box.send(a_mail(), to=to)).startswith("250")


async def test_what_is_too_large_is_refused_at_the_door(
    box: Letterbox, database: Database, tmp_path: Path
) -> None:
    said = await box.send(a_mail(text="x" * 70 + "\n") + (b"y" * 76 + b"\r\n") * (MOST // 78))

    assert said.startswith("552")
    assert rows(database) == files(tmp_path) == []


async def test_a_size_that_is_announced_is_refused_before_it_comes(box: Letterbox) -> None:
    def announce() -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", box.port, timeout=10) as client:
            client.ehlo()
            return client.docmd(f"MAIL FROM:<a@b.test> SIZE={100 * 1024 * 1024}")

    code, _ = await asyncio.to_thread(announce)

    assert code == 552


async def test_a_line_without_end_takes_no_memory(box: Letterbox, database: Database, tmp_path: Path) -> None:
    raw = a_mail() + b"z" * (MOST // 2) + b"\r\n"

    assert (await box.send(raw)).startswith("250")

    [stored] = files(tmp_path)
    assert stored.read_bytes() == raw


async def test_bare_line_ends_smuggle_no_second_mail(box: Letterbox, database: Database) -> None:
    smuggled = b"\n.\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<help@localhost>\r\nDATA\r\nSubject: second\r\n"

    def talk() -> bytes:
        with smtplib.SMTP("127.0.0.1", box.port, timeout=10) as client:
            client.ehlo()
            client.docmd("MAIL FROM:<a@b.test>")
            client.docmd(f"RCPT TO:<{DESK}>")
            client.docmd("DATA")
            client.send(b"Subject: first\r\n\r\nhello" + smuggled + b"\r\n.\r\n")
            return client.getreply()[1]

    assert b"Kept as" in await asyncio.to_thread(talk)
    assert len(rows(database)) == 1


async def test_who_breaks_off_leaves_nothing(box: Letterbox, database: Database, tmp_path: Path) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", box.port)
    for line in ("EHLO a", "MAIL FROM:<a@b.test>", f"RCPT TO:<{DESK}>", "DATA", "Subject: half"):
        writer.write(f"{line}\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)
    writer.close()

    async with asyncio.timeout(10):
        while files(tmp_path):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert rows(database) == []


async def test_while_the_database_is_away_the_sender_is_asked_to_come_back(
    database: Database, tmp_path: Path
) -> None:
    """The mail stays with its sender: nothing is half kept, and later it is taken."""
    raw = a_mail()
    nowhere = engine_for(database.app_url.replace(f":{database.cluster.port}/", ":1/"))
    async with a_letterbox(nowhere, tmp_path) as box:
        away = await box.send(raw)
    await nowhere.dispose()
    assert files(tmp_path) == []

    back = engine_for(database.app_url)
    async with a_letterbox(back, tmp_path) as box:
        there = await box.send(raw)
    await back.dispose()

    assert (away[:3], there[:3]) == ("451", "250")
    assert len(rows(database)) == 1


async def test_the_letterbox_may_look_at_nothing(app_engine: AsyncEngine, database: Database) -> None:
    with psycopg.connect(database.app_url) as app:
        app.execute("select set_config('ieum.kind', 'letterbox', false)")
        for table in ("inbound_mails", "tickets", "customers", "accounts(id)"):
            name, _, column = table.partition("(")
            found = app.execute(f"select count({column.rstrip(')') or '*'}) from {name}").fetchone()
            assert found == (0,), table
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("delete from inbound_mails")


@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from(
                [b"\r\n", b"\n", b"\r", b".", b"..", b"\r\n.\r", b"\n.\r\n", b"\0", b"x" * 70_000]
            ),
        ),
        max_size=12,
    )
)
@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
async def test_whatever_stands_between_data_and_its_end_is_kept_as_it_is(
    app_engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory, data: list[bytes]
) -> None:
    """A client that stuffs dots as it should gets its bytes kept, ends of lines included."""
    body = b"".join(data).replace(b"\r\n.\r\n", b"") + b"\r\n"
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in body.split(b"\r\n"))
    folder = tmp_path_factory.mktemp("fuzz")
    async with a_letterbox(app_engine, folder) as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        said = b""
        writer.write(f"EHLO a\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<{DESK}>\r\nDATA\r\n".encode())
        while b"\r\n354" not in said:
            said += await reader.read(1000)
        writer.write(stuffed + b".\r\n")
        async with asyncio.timeout(20):
            answer = await reader.readline()
        writer.close()

    assert answer.startswith(b"250 2.0.0 Kept")
    kept = [path.read_bytes() for path in folder.iterdir()]
    assert kept in ([body], [])  # or it was kept in an example before


@given(st.lists(st.one_of(st.text(max_size=40).map(str.encode), st.binary(max_size=40)), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_command_whatever_breaks_the_door(
    app_engine: AsyncEngine, tmp_path: Path, said: list[bytes]
) -> None:
    async with a_letterbox(app_engine, tmp_path) as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        for line in said:
            writer.write(line.replace(b"\n", b" ") + b"\r\n")
        writer.write(b"\r\nRSET\r\nQUIT\r\n")
        async with asyncio.timeout(10):
            answers = await reader.read(1 << 20)
            while more := await reader.read(1 << 20):
                answers += more
        writer.close()

        assert (await box.send(a_mail())).startswith("250")
    assert b"Error: (" not in answers


def test_a_mail_is_itself_whatever_servers_add_above_it(tmp_path: Path) -> None:
    raw = a_mail()
    seen = set()
    for number, one in enumerate((raw, b"Delivered-To: x\r\n" + raw, raw.replace(b"\r\n", b"\n"))):
        (tmp_path / str(number)).write_bytes(one)
        seen.add(fingerprints(tmp_path / str(number))[1])

    assert len(seen) == 1


async def test_a_file_goes_before_its_row(
    app_engine: AsyncEngine, tmp_path: Path, database: Database
) -> None:
    """Were it the other way, a crash between the two would leave a row whose mail is lost."""
    keeper = Keeper(app_engine, tmp_path)
    spool = keeper.spool()
    spool.write(a_mail())
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("alter table inbound_mails rename to away")
        with pytest.raises(Exception, match="inbound_mails"):
            await keeper.keep(spool, Envelope(MailSource.SMTP))
        owner.execute("alter table away rename to inbound_mails")

    assert files(tmp_path) == rows(database) == rows(database, table="outbox") == []
    assert await keep(app_engine, tmp_path, a_mail())
