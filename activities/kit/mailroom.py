"""Mails are kept before anybody reads them: bytes on the disk, then one row and one outbox line, then yes."""

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select

from activities.kit.transactions import transaction
from models.kit import ids
from models.kit.outbox import announce_start
from models.messages.tickets.mails import MailOrder, MailSource, MailStatus, mail_workflow_id
from models.tickets import InboundMail, Mailbox

HEAD = 256 * 1024  # so far we look for the end of a mail's head
NAMES = (b"message-id", b"date", b"from", b"subject")
WHOLE_MAIL = re.compile(rb"\r?\n\r?\n")


class Spool:
    """A mail while it is still coming in: a file that nobody else knows, gone unless it is finished."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = uuid4().hex
        self.path = folder / f"{self.name}.part"
        self.size = 0
        self._file = self.path.open("xb")

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._file.write(data)
        self.size += len(data)

    def finish(self) -> Path:
        """Everything is on the disk, under its own name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        done = self.path.with_suffix("")
        self.path.rename(done)
        folder = os.open(done.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return done

    def forget(self) -> None:
        """What was not finished, and what is not needed."""
        with suppress(OSError):
            self._file.close()
        for path in (self.path, self.path.with_suffix("")):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Envelope:
    """How a mail was handed over, which is not what it says of itself."""

    source: MailSource
    sender: str = ""
    receivers: tuple[str, ...] = ()
    reason: str = ""  # why only its head was fetched


@dataclass
class Keeper:
    """Puts mails down. It may look at nothing: the database knows it as `letterbox`."""

    engine: AsyncEngine
    folder: Path

    def spool(self) -> Spool:
        """Somewhere to put the next mail."""
        return Spool(self.folder)

    async def keep(self, spool: Spool, envelope: Envelope) -> str:
        """The mail's id once it is durable; nothing when the same mail was there already. The file goes
        before the row, so that what a crash leaves behind is a file without a row, never the other way."""
        is_kept = False
        try:
            path = await asyncio.to_thread(spool.finish)
            sha256, digest = await asyncio.to_thread(fingerprints, path)
            row = _row(spool, envelope, sha256, digest)
            async with transaction(self.engine) as session:
                await _be_letterbox(session)
                statement = insert(InboundMail).values(row).on_conflict_do_nothing().inline()
                done: Any = await session.execute(statement, execution_options={"preserve_rowcount": True})
                is_new = done.rowcount == 1
                if is_new:
                    order = MailOrder(row["id"], row["received_at"])
                    await announce_start(
                        session, "InboundMail", mail_workflow_id(row["id"]), order,
                        summary=f"A mail that came by {envelope.source.value.upper()}",
                    )  # fmt: skip
            is_kept = is_new
            return row["id"] if is_new else ""
        finally:
            if not is_kept:
                await asyncio.shield(asyncio.to_thread(spool.forget))

    async def how_far(self, mailbox: str) -> tuple[int, int]:
        """UIDVALIDITY and the last UID that was kept of a mailbox; zeros for one that is new."""
        async with transaction(self.engine) as session:
            await _be_letterbox(session)
            columns = (col(Mailbox.uid_validity), col(Mailbox.last_uid))
            found = (await session.execute(select(*columns).where(col(Mailbox.name) == mailbox))).first()
            return (found[0], found[1]) if found else (0, 0)

    async def note(self, mailbox: str, validity: int, uid: int) -> None:
        """Remember how far a mailbox has been read."""
        row = {"name": mailbox, "uid_validity": validity, "last_uid": uid, "read_at": datetime.now(UTC)}
        statement = insert(Mailbox).values(row)
        changed = {name: statement.excluded[name] for name in row if name != "name"}
        async with transaction(self.engine) as session:
            await _be_letterbox(session)
            await session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


async def _be_letterbox(session: AsyncSession) -> None:
    await session.execute(text("select set_config('ieum.kind', 'letterbox', true)"))


def _row(spool: Spool, envelope: Envelope, sha256: str, digest: str) -> dict[str, Any]:
    return {
        "id": ids.fresh("mail"), "digest": digest, "sha256": sha256, "size": spool.size,
        "stored_as": spool.name, "source": envelope.source, "envelope_from": plain(envelope.sender),
        "envelope_to": [plain(one) for one in envelope.receivers[:100]], "received_at": datetime.now(UTC),
        "status": MailStatus.RECEIVED, "reason": envelope.reason, "sender": "",
        "sender_name": "", "subject": "",
        "header_id": "", "letter_key": "", "html": "", "held_back": [],
        "is_acknowledged": False, "seq": 0,
    }  # fmt: skip


def plain(address: str) -> str:
    """An address of an envelope as a table takes it."""
    return "".join(sign for sign in address if sign.isprintable())[:320].lower()


def fingerprints(path: Path) -> tuple[str, str]:
    """SHA-256 of the whole file, and what makes it this mail and no other.

    A mail is the same when it says the same of itself and has the same body: servers only add lines above."""
    whole, body = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        start = file.read(HEAD)
        whole.update(start)
        end = WHOLE_MAIL.search(start)
        head, rest = (start[: end.start()], start[end.end() :]) if end else (start, b"")
        body.update(rest.replace(b"\r", b""))
        while block := file.read(1 << 20):
            whole.update(block)
            body.update(block.replace(b"\r", b""))
    own = own_lines(head)
    if not any(line.startswith(b"message-id") for line in own):
        own = [head.replace(b"\r", b"")]
    return whole.hexdigest(), hashlib.sha256(b"\n".join([*own, body.digest()])).hexdigest()


def own_lines(head: bytes) -> list[bytes]:
    """The lines of a head that nobody changes on the way, unfolded."""
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head).replace(b"\r", b"").split(b"\n")
    kept = [
        b":".join((name.strip().lower(), b" ".join(rest.split())))
        for name, _, rest in (line.partition(b":") for line in lines)
        if name.strip().lower() in NAMES
    ]
    return sorted(kept)


__all__: Sequence[str] = ("Envelope", "Keeper", "Spool", "fingerprints")
