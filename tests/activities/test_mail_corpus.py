"""Mails that others have collected, and the worst we could think of: none is lost, none ends the reader."""

import asyncio
import importlib.metadata
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import test.support
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.reading.readers import Reader, Readers, Unreadable
from activities.tickets import MailActivities
from models.messages.tickets.mails import MailStatus, PlaceMail
from tests.builders.desk import a_company
from tests.builders.mails import ADDRESSES, a_mail, keep
from tests.builders.nasty_mails import HEAD, nasty

PACKAGES = ("django-mailbox", "mailman")  # test dependencies only for the mails in them
SECONDS = 10.0
MEGABYTES = 200


def collected() -> list[Path]:
    """Every mail in the test data of Python itself and of packages that we install for it."""
    own = (Path(test.support.__file__).parent.parent / "test_email" / "data").glob("*.txt")
    files = [Path(file.locate()) for name in PACKAGES for file in importlib.metadata.files(name) or ()
             if file.suffix == ".eml"]  # fmt: skip
    return sorted([*own, *files])


@pytest.fixture(scope="module")
async def readers() -> AsyncIterator[Readers]:
    made = Readers()
    yield made
    await made.close()


async def placed_all(
    engine: AsyncEngine, app: AsyncEngine, folder: Path, readers: Readers, mails: list[bytes]
) -> list[tuple[MailStatus, str, str]]:
    """Keep and place them all, as the house does; what each became."""
    acts = MailActivities(engine, ADDRESSES, folder, "", readers)
    found = []
    for number, raw in enumerate(mails):
        mail_id = await keep(app, folder, raw, sender=f"s{number}@corpus.test")
        if not mail_id:  # some collections hold a mail twice
            continue
        begun = time.monotonic()
        placed = await acts.place(PlaceMail(mail_id, datetime.now(UTC)))
        assert time.monotonic() - begun < 3 * SECONDS, number
        found.append((placed.status, placed.reason, placed.ticket_id))
    return found


async def test_no_collected_mail_is_lost(
    worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path, readers: Readers
) -> None:
    await a_company(worker_engine)
    mails = [path.read_bytes() for path in collected()]

    found = await placed_all(worker_engine, app_engine, tmp_path, readers, mails)

    assert len(mails) >= len(found) >= 30
    assert {status for status, *_ in found} <= {
        MailStatus.THREADED, MailStatus.QUARANTINED, MailStatus.IGNORED
    }  # fmt: skip
    assert sum(status is MailStatus.THREADED for status, *_ in found) > len(found) * 0.8
    async with worker_engine.connect() as connection:
        rows = (await connection.exec_driver_sql("select stored_as, size from inbound_mails")).all()
    assert len(rows) == len(found)
    assert all((tmp_path / row.stored_as).stat().st_size == row.size for row in rows)


async def test_no_nasty_mail_is_lost_or_ends_the_house(
    worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path, readers: Readers
) -> None:
    """Each becomes a readable ticket, or waits for a person with its original."""
    await a_company(worker_engine)
    named = list(nasty())

    found = await placed_all(worker_engine, app_engine, tmp_path, readers, [raw for _, raw in named])

    by_name = dict(zip((name for name, _ in named), found, strict=True))
    assert all(status is not MailStatus.RECEIVED for status, *_ in found)
    assert all(ticket for status, _, ticket in found if status is MailStatus.THREADED)
    assert [name for name, (status, *_) in by_name.items() if status is MailStatus.IGNORED] == []


@pytest.mark.parametrize(("name", "words"), [
    ("raw euc-kr head", ("고장 신고", "안녕")), ("charset of nothing", ("nasty", "안녕")),
    ("iso-2022-kr", ("nasty", "안녕")), ("base64 garbage", ("nasty", "hi")),
    ("no boundary", ("nasty", "hello")), ("unclosed", ("nasty", "half")), ("deep page", ("nasty", "deep")),
    ("unknown encoding", ("nasty", "hello")),
    ("text of nulls", ("nasty", "abab")), ("bare line feeds", ("nasty", "hello")),
    ("boundary of signs", ("nasty", "hello")),
])  # fmt: skip
async def test_what_can_be_read_is_read(
    name: str, words: tuple[str, str], readers: Readers, tmp_path: Path
) -> None:
    path = tmp_path / "mail"
    path.write_bytes(dict(nasty())[name])

    mail, _ = await readers.read(path)

    assert mail.subject == words[0]
    assert words[1] in mail.text


async def test_a_reader_stays_small_and_quick_with_the_largest_mail(tmp_path: Path) -> None:
    """25 MiB, most of it one attachment: two seconds and 200 MB were promised; the machine may be busy."""
    reader = Readers(most=1, seconds=60)
    line = b"QUJD" * 19 + b"\r\n"
    (tmp_path / "mail").write_bytes(
        HEAD + b"Content-Type: application/octet-stream; name=a.bin\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n" + line * (25 * 1024 * 1024 // len(line))
    )  # fmt: skip

    mail, _ = await reader.read(tmp_path / "mail")

    [child] = reader.idle
    peak = next(
        int(one.split()[1]) // 1024
        for one in Path(f"/proc/{child.process.pid}/status").read_text().splitlines()  # noqa: ASYNC240
        if one.startswith("VmHWM")
    )
    await reader.close()
    assert (mail.is_whole, mail.held_back) == (True, ["a.bin"])
    assert peak < MEGABYTES


async def test_a_mail_that_ends_its_reader_is_read_by_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    ask = Reader.ask

    async def dies(self: Reader, path: Path, *, only_head: bool) -> object:
        asked.append(only_head)
        if not only_head:
            self.process.kill()
        return await ask(self, path, only_head=only_head)

    monkeypatch.setattr(Reader, "ask", dies)
    (tmp_path / "mail").write_bytes(a_mail())
    readers = Readers()

    mail, _ = await readers.read(tmp_path / "mail")

    await readers.close()
    assert asked == [False, True]
    assert (mail.is_whole, mail.subject, mail.text) == (False, "No picture", "")


async def test_a_reader_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    readers = Readers(seconds=0.5)
    path = tmp_path / "endless"
    await asyncio.to_thread(__import__("os").mkfifo, path)

    with pytest.raises(Unreadable):
        await readers.read(path)

    assert readers.idle == []


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [
                    b"\r\n",
                    b"\r\n\r\n",
                    b"From: a@b.test\r\n",
                    b"Content-Type: multipart/mixed; boundary=b\r\n",
                    b"--b\r\n",
                    b"--b--\r\n",
                    b"Content-Type: message/rfc822\r\n",
                    b"Content-Transfer-Encoding: base64\r\n",
                    b"=?utf-8?b?4=?=",
                    b"Subject: ",
                    b"Content-Type: text/html; charset=",
                    b"Content-Disposition: attachment; filename*0*=",
                    b"<img src=",
                    b"Content-Type: message/delivery-status\r\n",
                    b"Message-ID: <",
                    b'To: "',
                    b"; name=",
                    b"(",
                    b"\xff\xfe",
                ]
            ),
        ),
        max_size=25,
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_is_read_or_refused_in_time(
    readers: Readers, tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(b"".join(pieces))

    mail, contents = await readers.read(path)

    assert len(mail.files) == len(contents)
    assert "\0" not in mail.text + mail.html + mail.subject + mail.sender + mail.header_id
    (mail.text + mail.html + mail.subject + mail.sender_name).encode()
