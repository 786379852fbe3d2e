"""The letterbox: a program of its own that keeps mails and does nothing else.

It runs as `python -m activities.connectors.letterbox`."""

import asyncio
import signal
import ssl
from collections.abc import Coroutine
from typing import Any

from activities.connectors.imap import Account, Poller
from activities.connectors.smtp import serve
from activities.kit.mailroom import Keeper
from models.kit import tables
from models.kit.engine import engine_for
from models.kit.logs import log_as_json
from models.kit.settings import LetterboxSettings, letterbox_settings

assert tables  # a row that points at a table which nobody here imported could not be stored


def tls_of(setting: LetterboxSettings) -> ssl.SSLContext | None:
    """What STARTTLS is offered with, when there is a certificate."""
    if not setting.mail_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(setting.mail_certificate, setting.mail_certificate_key or None)
    return context


async def main() -> None:
    """Keep mails until asked to stop; what is being kept then is finished first."""
    setting = letterbox_settings()
    log_as_json(setting.log_level)
    engine = engine_for(setting.database_url, pool_size=5, application="ieum-letterbox", patience=20)
    keeper = Keeper(engine, setting.files_dir)
    server = await serve(
        keeper, setting.mail_addresses, setting.mail_listen, setting.mail_most_bytes, tls_of(setting)
    )
    beside: list[Coroutine[Any, Any, None]] = []
    if setting.imap_url:
        account = Account(setting.imap_url, setting.imap_password, setting.imap_after == "delete")
        beside.append(Poller(keeper, account, setting.mail_most_bytes, setting.imap_seconds).run())
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    pollers = [asyncio.create_task(one) for one in beside]
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *pollers], return_when=asyncio.FIRST_COMPLETED)
    server.close()
    for one in pollers:
        one.cancel()
    ended = await asyncio.gather(*pollers, return_exceptions=True)
    await engine.dispose()
    if not stop.is_set():
        raise next((one for one in ended if isinstance(one, Exception)), SystemExit("ended by itself"))


if __name__ == "__main__":
    asyncio.run(main())
