"""The parts of a running house: how each is started, asked whether it really answers, and stopped."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.request import urlopen

from ops import database
from ops.plan import ROOT, Plan, given
from ops.postgres import Cluster
from ops.processes import Process, is_running
from ops.temporal import TemporalServer
from ops.tryton import Tryton

POLLING = "temporal_num_pollers{"  # in a worker's metrics as soon as it asks Temporal for work


class Part(Protocol):
    """Something that runs beside the others."""

    name: str

    def start(self) -> None:
        """Start it without waiting for an answer."""

    def is_alive(self) -> bool:
        """Whether its process runs."""

    def is_ready(self) -> bool:
        """Whether it really answers."""

    def ask_to_stop(self) -> None:
        """Ask it to finish what it does and end."""

    def stop(self, patience: float) -> None:
        """End it; not gently any more once patience is over."""

    def last_lines(self) -> str:
        """The end of its log."""


def answers(url: str, words: str = "") -> bool:
    """Whether this address answers 200, and with these words."""
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status == 200 and words in answer.read().decode()
    except (URLError, OSError):
        return False


class Database:
    """The embedded PostgreSQL; a server given by DATABASE_URL is asked but neither started nor stopped."""

    name = "postgres"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.cluster = (
            Cluster(plan.folder / "postgres", plan.ports["POSTGRES_PORT"]) if plan.is_embedded else None
        )
        if self.cluster is not None:
            self.cluster.data = reachable(self.cluster.data, self.cluster.user)

    def start(self) -> None:
        """Start the cluster, ending first what an earlier, killed supervisor may have left."""
        if self.cluster is not None:
            if self.is_alive():
                self.cluster.stop()
            self.cluster.start()

    def is_alive(self) -> bool:
        """Whether the postmaster runs; of a server elsewhere we do not know and say yes."""
        if self.cluster is None:
            return True
        pid = self.cluster.pid()
        return pid is not None and is_running(pid, "postgres")

    def is_ready(self) -> bool:
        """Whether SQL is answered."""
        return database.answers(self.plan.admin_url)

    def ask_to_stop(self) -> None:
        """Nothing: it stops fast when its turn comes."""

    def stop(self, patience: float) -> None:
        """Stop the embedded cluster."""
        if self.cluster is not None and self.is_alive():
            self.cluster.stop()

    def last_lines(self) -> str:
        """The end of the server's log."""
        if self.cluster is None or not (self.cluster.data / "server.log").exists():
            return "(its log is on the database server)"
        return "\n".join((self.cluster.data / "server.log").read_text().splitlines()[-15:])


class Temporal:
    """The Temporal development server with its UI."""

    name = "temporal"

    def __init__(self, plan: Plan) -> None:
        self.server = TemporalServer(
            plan.folder / "temporal.db",
            plan.ports["TEMPORAL_PORT"],
            plan.ports["TEMPORAL_UI_PORT"],
            codec_url=plan.local("PORT", "/codec"),
            log=plan.folder / "logs" / "temporal.log",
        )
        self.start, self.is_alive = self.server.launch, self.server.process.is_alive
        self.stop, self.last_lines = self.server.process.stop, self.server.process.last_lines

    def is_ready(self) -> bool:
        """Whether the namespace answers over gRPC and the UI over HTTP."""
        return self.server.is_serving() and self.server.is_showing()

    def ask_to_stop(self) -> None:
        """Nothing: it stops fast when its turn comes."""


class Program:
    """One of our own programs: sandbox, worker or app."""

    def __init__(self, plan: Plan, name: str, ready: str, *roles: str, words: str = "") -> None:
        self.name, self.ready, self.words = name, ready, words
        log = plan.folder / "logs" / f"{name}.log"
        self.process = Process(name, plan.command(name), env=plan.environment(*roles), log=log, cwd=ROOT)
        self.start, self.is_alive, self.stop = self.process.start, self.process.is_alive, self.process.stop
        self.ask_to_stop, self.last_lines = self.process.ask_to_stop, self.process.last_lines

    def is_ready(self) -> bool:
        """Whether its own answer is there."""
        return answers(self.ready, self.words)


class Letterbox(Program):
    """The door for mails; it answers in its own language."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "letterbox", "", "app")
        self.port = plan.ports["MAIL_PORT"]

    def is_ready(self) -> bool:
        """Whether it greets whoever comes."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as caller:
                return caller.recv(100).startswith(b"220 ")
        except OSError:
            return False


class House:
    """All parts in their order: those that the others need come first."""

    def __init__(self, plan: Plan) -> None:
        self.ground: list[Part] = [
            Database(plan),
            Temporal(plan),
            Program(plan, "sandbox", plan.local("SANDBOX_PORT", "/health/ready")),
            Program(plan, "stripe", plan.local("STRIPE_PORT", "/js.stripe.com/v3/")),
        ]
        self.beside: list[Part] = [] if given("ACCOUNTING_URL") else [Tryton(plan)]
        self.ours: list[Part] = [
            Program(plan, "worker", plan.local("METRICS_PORT", "/metrics"), "worker", words=POLLING),
            Program(plan, "app", plan.local("PORT", "/health/ready"), "app"),
            Letterbox(plan),
        ]

    @property
    def parts(self) -> list[Part]:
        """Every part, in the order in which they start."""
        return [*self.ground, *self.beside, *self.ours]

    def stop(self) -> None:
        """Our programs finish first, then what they lean on; about 25 seconds at most."""
        for part in self.ours:
            part.ask_to_stop()
        until = time.monotonic() + 18
        for part in self.ours:
            part.stop(max(0.1, until - time.monotonic()))
        for part in (*self.beside, *reversed(self.ground)):
            part.stop(3)


def end_leftovers(folder: Path) -> None:
    """Stop the PostgreSQL that a supervisor killed hard has left behind; all its other parts end with it."""
    cluster = Cluster(folder / "postgres", 0)
    cluster.data = reachable(cluster.data, cluster.user)
    pid = cluster.pid()
    if pid is not None and is_running(pid, "postgres"):
        cluster.stop()


def reachable(data: Path, user: str | None) -> Path:
    """The data folder, or one under /var/lib when PostgreSQL's own user may not walk to it."""
    data.parent.mkdir(parents=True, exist_ok=True)
    if user is None:
        return data
    probe = subprocess.run(["/bin/sh", "-c", f"test -x '{data.parent}'"], user=user, cwd="/", check=False)
    if probe.returncode == 0:
        return data
    elsewhere = Path("/var/lib/ieum-pg/data") / sha256(str(data).encode()).hexdigest()[:16]
    elsewhere.parent.mkdir(parents=True, exist_ok=True)
    for folder in (elsewhere.parent.parent, elsewhere.parent):
        shutil.chown(folder, "root")
        folder.chmod(0o755)
    return elsewhere


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], seconds: float) -> bool:
    """Ask until it is ready; give up when it has ended or when time is over."""
    until = time.monotonic() + seconds
    while not ready():
        if not alive() or time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True
