"""Debian's Dovecot as a neighbour: a real IMAP server with one mailbox, in a folder of the test."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imap_tools import MailBoxUnencrypted

from ops.postgres import free_port

PASSWORD = "only-tests-know-it"
CONFIG = """
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
mail_location = maildir:{folder}/mail
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid=nogroup home={folder}/home
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """One running server."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"imap://help@127.0.0.1:{self.port}/INBOX"

    def put(self, *mails: bytes) -> None:
        """Deliver into the mailbox."""
        with self.look() as box:
            for mail in mails:
                box.append(mail, "INBOX")

    def uids(self, asked: str = "ALL") -> list[str]:
        with self.look() as box:
            return list(box.uids(asked))

    def renumber(self) -> None:
        """The server loses its numbers, as after a restore: UIDVALIDITY changes."""
        time.sleep(1.1)  # it is made of the time in seconds
        for path in (self.folder / "mail").glob("dovecot*"):
            path.unlink()

    def look(self) -> MailBoxUnencrypted:
        box = MailBoxUnencrypted("127.0.0.1", self.port, timeout=20)
        box.login("help", PASSWORD)
        return box


@contextmanager
def a_dovecot(folder: Path) -> Iterator[Dovecot]:
    """A server until it is no longer needed. Its programs run as nobody: it refuses mail of root."""
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    assert Path(program).exists(), "Dovecot is missing: install it (Debian: apt-get install dovecot-imapd)."
    server = Dovecot(folder, free_port())
    for name in ("mail", "home", "run"):
        (folder / name).mkdir(parents=True)
        shutil.chown(folder / name, "nobody", "nogroup")
    for place in (folder, *folder.parents):
        if str(place).startswith("/tmp/") and place.stat().st_uid == folder.stat().st_uid:
            place.chmod(place.stat().st_mode | 0o055)
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, port=server.port, user="nobody", password=PASSWORD))
    process = subprocess.Popen([program, "-F", "-c", str(config)])
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(10)
