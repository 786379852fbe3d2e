"""Mails as they come in, and a letterbox that really listens."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from activities.connectors.smtp import serve
from activities.kit.addresses import Addresses
from activities.kit.mailroom import Envelope, Keeper
from models.messages.tickets.mails import MailSource, MailStatus
from models.tickets import InboundMail, Mailbox

SECRET = b"test" * 8
DESK = "help@localhost"  # what some_settings says
ADDRESSES = Addresses(SECRET, (DESK,))
MOST = 2 * 1024 * 1024
_numbers = count(1)


def a_mail(
    sender: str = "mina@example.test", text: str = "There is no picture.", to: str = DESK, **head: str
) -> bytes:
    """A mail as a person's program writes it; further heads replace what it would say."""
    message = EmailMessage()
    number = next(_numbers)
    said = {
        "From": f"Mina Lee <{sender}>", "To": to, "Subject": "No picture",
        "Message-ID": f"<mail-{number}@mail.example.test>", "Date": "Sun, 22 Nov 2026 12:00:00 +0900",
        **{name.replace("_", "-"): value for name, value in head.items()},
    }  # fmt: skip
    for name, value in said.items():
        message[name] = value
    message.set_content(text)
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


async def keep(
    engine: AsyncEngine, folder: Path, raw: bytes, *, sender: str = "mina@example.test",
    to: str = DESK, source: MailSource = MailSource.SMTP,
) -> str:  # fmt: skip
    """Put a mail down without a wire; its id, or nothing when it was there."""
    keeper = Keeper(engine, folder)
    spool = keeper.spool()
    spool.write(raw)
    return await keeper.keep(spool, Envelope(source, sender, (to,)))


def a_kept_mail(id: str, word: str, at: datetime, **facts: Any) -> InboundMail:
    """One mail as it is stored, of a ticket unless it is told otherwise."""
    said = {"status": MailStatus.THREADED, "reason": "new_ticket", **facts}
    return InboundMail(
        id=id, digest=id, sha256="s", size=1, stored_as=f"raw{id}", source=MailSource.SMTP,
        envelope_from=word, envelope_to=[word], received_at=at, sender=word, sender_name=word, subject=word,
        header_id=word, html=f"<p>{word}</p>", held_back=[word], **said,
    )  # fmt: skip


def held(word: str, at: datetime) -> list[SQLModel]:
    """A mail that belongs to no ticket, and a mailbox that was read."""
    kept = a_kept_mail("ml_held", word, at, status=MailStatus.QUARANTINED, reason="bulk")
    return [kept, Mailbox(name=word, uid_validity=1, last_uid=1, read_at=at)]


@dataclass(frozen=True)
class Letterbox:
    """A door that listens on this machine."""

    port: int

    async def send(self, raw: bytes, *, sender: str = "mina@example.test", to: str = DESK) -> str:
        """Hand a mail over as a mail server does; what was answered to its data."""
        return await asyncio.to_thread(self._send, raw, sender, to)

    def _send(self, raw: bytes, sender: str, to: str) -> str:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.ehlo()
            client.docmd(f"MAIL FROM:<{sender}>")
            code, said = client.docmd(f"RCPT TO:<{to}>")
            if code != 250:
                return f"{code} {said.decode()}"
            code, said = client.data(raw)
            return f"{code} {said.decode()}"


@asynccontextmanager
async def a_letterbox(engine: AsyncEngine, folder: Path, most: int = MOST) -> AsyncIterator[Letterbox]:
    """The very door of the letterbox, with the app's rights in the database."""
    server = await serve(Keeper(engine, folder), (DESK,), "127.0.0.1:0", most)
    try:
        yield Letterbox(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()
