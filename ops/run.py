"""Run the whole house on one machine: `demo` in the foreground, `up` and `down` in the background.

PostgreSQL, Temporal with its UI, the sandbox, the worker and the app are started in order, asked until they
really answer, started again when they die, and stopped together. The sample company is loaded once.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

from ops import database
from ops.introduce import NEIGHBOURS, introduce, setting
from ops.parts import House, Part, end_leftovers
from ops.plan import ROOT, Plan, make_plan, run_folder
from ops.processes import Process

START_SECONDS = 120
BESIDE_SECONDS = 300  # an ERP that is new makes its own database first
JOB_SECONDS = 600
STOP_SECONDS = 30


class Failed(Exception):
    """A part or a job did not come up; the text holds its last lines."""


class Stopped(Exception):
    """Somebody asked us to stop while we were starting."""


def say(line: str) -> None:
    """One line with the time, for the person who watches or the supervisor's log."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {line}", flush=True)


class Supervisor:
    """Starts the parts, keeps them alive, and stops them."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.house = plan, House(plan)
        self.demo, self.ready = plan.folder / "demo.json", plan.folder / "ready"
        self.running: list[Part] = []
        self.is_stopping = False
        self.retry_at: dict[str, float] = {}
        self.falls: dict[str, list[float]] = {}

    def run(self) -> None:
        """The whole story, until somebody asks to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        begun = time.monotonic()
        self.forget()
        try:
            self.start()
            self.ready.touch()
            say(f"Everything answers after {time.monotonic() - begun:.0f} s.")
            print(described(self.demo), flush=True)
            self.watch()
        except Stopped:
            say("Asked to stop while starting.")
        finally:
            self.forget()
            self.house.stop()
            say("Everything is stopped.")

    def forget(self) -> None:
        """Scripts must not find the addresses of a house that does not run."""
        self.demo.unlink(missing_ok=True)
        self.ready.unlink(missing_ok=True)

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Remember that somebody wants us to stop; the loops look at it."""
        self.is_stopping = True

    def start(self) -> None:
        """Bring everything up and leave demo.json."""
        self.bring_up(self.house.ground)
        say("Preparing the database: roles, tables.")
        database.make_roles(self.plan.admin_url, self.plan.secrets)
        database.make_database(self.plan.admin_url, self.plan.database_name)
        self.begin(self.house.beside)
        self.do("migrate", [sys.executable, "-m", "alembic", "upgrade", "head"], "owner")
        (self.plan.folder / "files").mkdir(exist_ok=True)
        self.bring_up(self.house.ours)
        given = self.plan.environment()
        for name, events in NEIGHBOURS.items():
            if f"{name}_URL" not in os.environ:
                secret = setting(f"{name}_WEBHOOK_SECRET", given)
                introduce(given[f"{name}_URL"], self.plan.local("PORT"), secret, events=events)
        self.seed()
        self.wait_for(self.house.beside, BESIDE_SECONDS)

    def bring_up(self, parts: Sequence[Part]) -> None:
        """Start these parts together and wait until each answers."""
        self.begin(parts)
        self.wait_for(parts)

    def begin(self, parts: Sequence[Part]) -> None:
        """Start these parts without waiting for them."""
        for part in parts:
            say(f"Starting {part.name}.")
            try:
                part.start()
            except subprocess.CalledProcessError as error:
                raise Failed(f"{part.name} did not start: {error}\n{part.last_lines()}") from error

    def wait_for(self, parts: Sequence[Part], seconds: float = START_SECONDS) -> None:
        """Wait until each of these answers; from now on what dies is started again."""
        until = time.monotonic() + seconds
        for part in parts:
            while not part.is_ready():
                self.stop_if_asked()
                if not part.is_alive():
                    raise Failed(f"{part.name} ended while starting. Its last lines:\n{part.last_lines()}")
                if time.monotonic() > until:
                    raise Failed(f"{part.name} does not answer. Its last lines:\n{part.last_lines()}")
                time.sleep(0.2)
            say(f"{part.name} answers.")
        self.running += parts

    def do(self, name: str, command: list[str], *roles: str) -> None:
        """Run a job to its end, with its own log; parts that die meanwhile are started again."""
        log = self.plan.folder / "logs" / f"{name}.log"
        job = Process(name, command, env=self.plan.environment(*roles), log=log, cwd=ROOT)
        job.start()
        until = time.monotonic() + JOB_SECONDS
        try:
            while job.is_alive():
                self.stop_if_asked()
                self.start_the_dead_again()
                if time.monotonic() > until:
                    raise Failed(f"{name} took longer than {JOB_SECONDS} s:\n{job.last_lines()}")
                time.sleep(0.1)
        finally:
            job.stop(5)
        if job.ended_with() != 0:
            raise Failed(f"{name} failed. Its last lines:\n{job.last_lines()}")

    def seed(self) -> None:
        """Load the sample company once: ops.seed leaves sign-ins and tokens in demo.json, which we keep."""
        kept = self.plan.folder / "seeded.json"
        if not kept.exists():
            say("Loading the sample company by running its journeys (the first time only).")
            self.do("seed", [sys.executable, "-m", "ops.seed"], "app", "worker", "owner")
            if not self.demo.exists():
                raise Failed("ops.seed ended without writing demo.json.")
            write_private(kept, json.loads(self.demo.read_text()))
        write_private(self.demo, json.loads(kept.read_text()) | {"addresses": self.addresses()})

    def addresses(self) -> dict[str, str]:
        """Where everything answers."""
        plan = self.plan
        return {
            "app": plan.local("PORT"),
            "temporal_ui": plan.local("TEMPORAL_UI_PORT"),
            "temporal": f"127.0.0.1:{plan.ports['TEMPORAL_PORT']}",
            "sandbox": plan.local("SANDBOX_PORT"),
            "metrics": plan.local("METRICS_PORT", "/metrics"),
            "postgres": f"127.0.0.1:{plan.ports['POSTGRES_PORT']}" if plan.is_embedded else "DATABASE_URL",
        }

    def stop_if_asked(self) -> None:
        """Leave the start as soon as somebody wants us to stop."""
        if self.is_stopping:
            raise Stopped

    def watch(self) -> None:
        """Look after the parts until somebody asks to stop."""
        while not self.is_stopping:
            self.start_the_dead_again()
            time.sleep(0.5)

    def start_the_dead_again(self) -> None:
        """Start whatever died; a part that keeps dying is given longer and longer pauses."""
        for part in self.running:
            if not part.is_alive():
                self.start_again(part)

    def start_again(self, part: Part) -> None:
        """Start a dead part, at once the first time, after a pause when it died often lately."""
        now = time.monotonic()
        if part.name not in self.retry_at:
            lately = [fall for fall in self.falls.get(part.name, []) if now - fall < 300]
            self.falls[part.name] = [*lately, now]
            pause = min(30.0, 0.5 * 2 ** len(lately)) if lately else 0.0
            self.retry_at[part.name] = now + pause
            say(f"{part.name} ended; starting it again{f' in {pause:.0f} s' if pause else ''}.")
        if now < self.retry_at[part.name]:
            return
        del self.retry_at[part.name]
        try:
            part.start()
        except subprocess.CalledProcessError as error:
            say(f"{part.name} did not start: {error}")


def write_private(path: Path, value: Any) -> None:
    """Write JSON that only its owner may read, all at once."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
    fresh.replace(path)


def described(demo: Path) -> str:
    """Addresses and one sign-in per role, for a person."""
    known = json.loads(demo.read_text())
    lines = ["", "Ieum is running.", ""]
    lines += [f"  {name:<12} {place}" for name, place in known["addresses"].items()]
    lines += ["", "Sign in as"]
    for person in known.get("sign_ins", []):
        lines.append("  " + "  ".join(f"{value!s:<12}" for value in person.values()))
    return "\n".join([*lines, "", f"All of it for scripts: {demo}", ""])


def lock(folder: Path) -> IO[str] | None:
    """The mark of a folder's one supervisor, or None when another holds it; the kernel frees it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "supervisor.pid").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def demo() -> int:
    """Run everything in the foreground until Ctrl-C."""
    held = lock(run_folder())
    if held is None:
        print(f"Already running from {run_folder()}: `make down` stops it.")
        return 1
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    try:
        if "DATABASE_URL" not in os.environ:
            end_leftovers(run_folder())
        Supervisor(make_plan()).run()
    except Failed as failure:
        print(f"\nNot started: {failure}", file=sys.stderr, flush=True)
        return 1
    finally:
        held.truncate(0)
        held.close()
    return 0


def up() -> int:
    """Run everything in the background; return once all of it answers."""
    folder = run_folder()
    held = lock(folder)
    ready = folder / "ready"
    log = folder / "logs" / "supervisor.log"
    if held is None:
        print("Already running.")
        return wait_for(ready, log, None)
    held.close()
    ready.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ops.run", "demo"]
    with log.open("w") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    return wait_for(ready, log, child)


def wait_for(ready: Path, log: Path, child: subprocess.Popen[bytes] | None) -> int:
    """0 with the addresses once all is ready; 1 with the supervisor's last lines when it ended before."""
    until = time.monotonic() + START_SECONDS + JOB_SECONDS
    while time.monotonic() < until:
        if ready.exists():
            print(described(ready.with_name("demo.json")))
            return 0
        if child is not None and child.poll() is not None:
            break
        time.sleep(0.2)
    print("\n".join(log.read_text(errors="replace").splitlines()[-25:]), file=sys.stderr)
    return 1


def down() -> int:
    """Stop what `up` or `demo` started, and return once it is stopped."""
    folder = run_folder()
    held = lock(folder) if folder.exists() else None
    if held is not None or not folder.exists():
        if held is not None:
            held.close()
        print("Nothing is running.")
        return 0
    pid = int((folder / "supervisor.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while (held := lock(folder)) is None:
        if time.monotonic() > until:
            print(f"The supervisor (process {pid}) does not stop: see {folder / 'logs' / 'supervisor.log'}.")
            return 1
        time.sleep(0.1)
    held.close()
    print("Stopped.")
    return 0


if __name__ == "__main__":
    commands = {"demo": demo, "up": up, "down": down}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit("Usage: python -m ops.run demo|up|down")
    raise SystemExit(commands[sys.argv[1]]())
