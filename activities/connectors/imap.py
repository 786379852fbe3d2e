"""Mailboxes read over IMAP: a mail is touched there only after it is kept here."""

import asyncio
import imaplib
import logging
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import psycopg
from imap_tools.errors import ImapToolsError
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxUnencrypted
from sqlalchemy.exc import SQLAlchemyError

from activities.kit.mailroom import Envelope, Keeper
from models.messages.tickets.mails import MailSource

LOG = logging.getLogger(__name__)
AWAY = (SQLAlchemyError, psycopg.Error, TimeoutError, OSError, imaplib.IMAP4.error, ImapToolsError)
PATIENCE = 60.0


@dataclass(frozen=True)
class Account:
    """Where a mailbox is: `imaps://user@host:993/INBOX`, user and folder percent-encoded."""

    url: str
    password: str = field(repr=False)
    is_deleted_after: bool = False

    @property
    def name(self) -> str:
        """What we call it; the password is no part of it."""
        return self.url

    def open(self, trust: ssl.SSLContext | None = None) -> BaseMailBox:
        """Sign in and open the folder."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        box: BaseMailBox
        if parts.scheme == "imap":
            box = MailBoxUnencrypted(host, parts.port or 143, timeout=PATIENCE)
        else:
            context = trust or ssl.create_default_context()
            box = MailBox(host, parts.port or 993, timeout=PATIENCE, ssl_context=context)
        folder = unquote(parts.path.lstrip("/")) or "INBOX"
        return box.login(unquote(parts.username or ""), self.password, folder)


@dataclass
class Poller:
    """Reads one mailbox again and again."""

    keeper: Keeper
    account: Account
    most: int
    seconds: float = 30.0
    trust: ssl.SSLContext | None = None

    async def run(self) -> None:
        """For ever; a server that is away is asked again."""
        while True:
            try:
                await self.poll()
            except AWAY as error:
                LOG.warning("the mailbox could not be read", extra={"error": type(error).__name__})
            await asyncio.sleep(self.seconds)

    async def poll(self) -> int:
        """Keep everything that is new; how many there were."""
        box = await asyncio.to_thread(self.account.open, self.trust)
        try:
            validity = await asyncio.to_thread(_validity, box)
            known, last = await self.keeper.how_far(self.account.name)
            # Under another UIDVALIDITY the old numbers mean nothing: all is looked at again, and what is
            # kept already is recognised by what it says.
            after = last if known == validity else 0
            found = sorted(int(uid) for uid in await asyncio.to_thread(box.uids, f"UID {after + 1}:*"))
            new = [uid for uid in found if uid > after]
            for uid in new:
                is_whole = await self._keep(box, uid)
                await self.keeper.note(self.account.name, validity, uid)
                await asyncio.to_thread(self._touch, box, uid, is_whole)
            return len(new)
        finally:
            await asyncio.to_thread(_leave, box)

    async def _keep(self, box: BaseMailBox, uid: int) -> bool:
        """Keep a mail; of one that is too large only its head, which is answered with False."""
        size = await asyncio.to_thread(_size, box, uid)
        is_too_large = size > self.most
        part = "BODY.PEEK[HEADER]" if is_too_large else "BODY.PEEK[]"
        raw = await asyncio.to_thread(_fetch, box, uid, part)
        spool = await asyncio.to_thread(self.keeper.spool)
        await asyncio.to_thread(spool.write, raw)
        envelope = Envelope(MailSource.IMAP, reason="too_large" if is_too_large else "")
        mail_id = await self.keeper.keep(spool, envelope)
        LOG.info("mail kept", extra={"mail": mail_id or "again", "size": len(raw)})
        return not is_too_large

    def _touch(self, box: BaseMailBox, uid: int, is_whole: bool) -> None:
        """Mark it as seen, or take it away; one that was too large for us stays where it is."""
        flag = r"(\Deleted)" if self.account.is_deleted_after and is_whole else r"(\Seen)"
        box.client.uid("STORE", str(uid), "+FLAGS", flag)
        if flag == r"(\Deleted)" and _can_expunge_one(box):
            box.client.uid("EXPUNGE", str(uid))  # only this one: what people marked is theirs


def _can_expunge_one(box: BaseMailBox) -> bool:
    """Asked after the sign-in: before it servers do not say all that they can."""
    _, said = box.client.capability()
    return any(isinstance(line, bytes) and b"UIDPLUS" in line.upper().split() for line in said)


def _validity(box: BaseMailBox) -> int:
    return int(box.folder.status(options=["UIDVALIDITY"])["UIDVALIDITY"])


def _size(box: BaseMailBox, uid: int) -> int:
    said, data = box.client.uid("FETCH", str(uid), "(RFC822.SIZE)")
    line = next((one for one in data if isinstance(one, bytes) and b"RFC822.SIZE" in one), b"")
    if said != "OK" or not line:
        raise TimeoutError(f"no size of {uid}")
    return int(line.split(b"RFC822.SIZE")[1].strip(b" )").split()[0])


def _fetch(box: BaseMailBox, uid: int, what: str) -> bytes:
    said, data = box.client.uid("FETCH", str(uid), f"({what})")
    raw = next((one[1] for one in data if isinstance(one, tuple)), None)
    if said != "OK" or not isinstance(raw, bytes):
        raise TimeoutError(f"no mail {uid}")
    return raw


def _leave(box: BaseMailBox) -> None:
    try:
        box.logout()
    except AWAY:
        LOG.info("the mailbox was left without a word")
