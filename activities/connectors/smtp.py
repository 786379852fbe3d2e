"""The SMTP door: takes mails for our own addresses to the disk as they come, says yes once they are kept."""

import asyncio
import errno
import logging
import ssl
from collections.abc import Iterable
from typing import Any

import psycopg
from aiosmtpd.smtp import SMTP, Session, syntax
from aiosmtpd.smtp import Envelope as Talk
from sqlalchemy.exc import SQLAlchemyError

from activities.kit.mailroom import Envelope, Keeper, Spool
from models.messages.tickets.mails import MailSource

LOG = logging.getLogger(__name__)
MOST_TALKS = 100  # at the same time; more are asked to come back
MOST_RECEIVERS = 50
PATIENCE = 300.0  # seconds for one command, a mail with all its data included
KEPT_WITHIN = 30.0
AWAY = (SQLAlchemyError, psycopg.Error, TimeoutError, OSError)
LONGEST_PIECE = 64 * 1024


class Rules:
    """Whom we take mails for."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.known = {one.lower() for one in addresses}
        self.domains = {one.partition("@")[2] for one in self.known}

    def is_ours(self, address: str) -> bool:
        """One of our addresses, with or without a ticket's key behind a plus, or the postmaster."""
        local, _, domain = address.strip().lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return plain in self.known or (local == "postmaster" and domain in self.domains)


class Door(SMTP):
    """One client at the door. Unlike its parent it never holds a mail in memory."""

    line_length_limit = LONGEST_PIECE  # of one read; a line of a mail may be longer
    talking = 0

    def __init__(self, keeper: Keeper, rules: Rules, most: int, **more: Any) -> None:
        self.keeper, self.rules = keeper, rules
        super().__init__(
            self, data_size_limit=most, enable_SMTPUTF8=True, ident="Ieum", timeout=PATIENCE, **more
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there; too many at once are sent away, to come back."""
        is_new = self._original_transport is None
        if is_new and Door.talking >= MOST_TALKS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 Too many connections, please come back\r\n")
            transport.close()
            self._is_sent_away = True
            return
        if is_new:
            Door.talking += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """They are gone."""
        if getattr(self, "_is_sent_away", False):
            return
        Door.talking -= 1
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """They say no more."""
        return None if getattr(self, "_is_sent_away", False) else super().eof_received()

    async def handle_RCPT(
        self, server: SMTP, session: Session, talk: Talk, address: str, options: list[str]
    ) -> str:
        """Take no mail for anybody else: this is no relay."""
        if not self.rules.is_ours(address):
            return "550 5.1.1 No such mailbox here"
        if len(talk.rcpt_tos) >= MOST_RECEIVERS:
            return "452 4.5.3 Too many receivers"
        talk.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_VRFY(self, server: SMTP, session: Session, talk: Talk, address: str) -> str:
        """Say nothing about who is here."""
        return "252 2.5.2 Send some mail, it will be tried"

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong is ours, and only for now; the reason stays in the log."""
        LOG.error("the SMTP door failed", extra={"error": type(error).__name__})
        return "451 4.3.0 Something went wrong here, please try again"

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """Take the mail piece by piece and answer once it is kept, or once it is surely not."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        try:
            spool = await asyncio.to_thread(self.keeper.spool)
        except OSError as error:
            await self.push(_not_now(error))
            return
        trouble = "451 4.3.0 The mail was not whole"
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            trouble = await self._receive(spool)
        finally:
            if trouble:
                await asyncio.shield(asyncio.to_thread(spool.forget))
        answer = trouble or await self._kept(spool)
        self._set_rset_state()  # type: ignore[no-untyped-call]
        await self.push(answer)

    async def _kept(self, spool: Spool) -> str:
        assert self.envelope is not None
        envelope = Envelope(MailSource.SMTP, self.envelope.mail_from or "", tuple(self.envelope.rcpt_tos))
        try:
            async with asyncio.timeout(KEPT_WITHIN):
                mail_id = await self.keeper.keep(spool, envelope)
        except AWAY as error:
            LOG.warning("a mail could not be kept", extra={"error": type(error).__name__})
            return _not_now(error)
        LOG.info("mail kept", extra={"mail": mail_id or "again", "size": spool.size})
        return f"250 2.0.0 Kept{f' as {mail_id}' if mail_id else ', as before'}"

    async def _receive(self, spool: Spool) -> str:
        """Write what comes until a line with one dot; an answer when it cannot be taken.

        Only CR LF ends a line here: anything else would let a second mail be smuggled in."""
        is_at_start, trouble, drained = True, "", 0
        most = self.data_size_limit or 0
        while True:
            piece, is_end = await self._piece()
            if is_at_start and piece == b".\r\n":
                return trouble
            if is_at_start and piece.startswith(b"."):
                piece = piece[1:]
            is_at_start = is_end
            if not trouble and spool.size + len(piece) > most:
                trouble = "552 5.3.4 This mail is larger than we take"
            if trouble:
                drained += len(piece)
                if drained > 4 * most:  # who does not stop is not listened to any longer
                    assert self.transport is not None
                    await self.push(trouble)
                    self.transport.close()
                    return trouble
                continue
            try:
                spool.write(piece)
            except OSError as error:
                trouble = _not_now(error)

    async def _piece(self) -> tuple[bytes, bool]:
        """The next line, or the next part of an endless one, and whether the line ends with it."""
        try:
            return await self._reader.readuntil(b"\r\n"), True
        except asyncio.LimitOverrunError as over:
            return await self._reader.readexactly(over.consumed), False


def _not_now(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "452 4.3.1 There is no room for it now, please try again"
    return "451 4.3.0 It cannot be kept now, please try again"


async def serve(
    keeper: Keeper,
    addresses: Iterable[str],
    listen: str,
    most: int,
    tls: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Open the door at `host:port`."""
    rules = Rules(addresses)
    hostname = sorted(rules.domains)[0]
    loop = asyncio.get_running_loop()
    host, _, port = listen.rpartition(":")
    return await loop.create_server(
        lambda: Door(keeper, rules, most, hostname=hostname, tls_context=tls, loop=loop),
        host.strip("[]") or None,
        int(port),
    )
