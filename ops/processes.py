"""Child processes that never outlive us: own process group, a log file, gentle and hard endings."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

PR_SET_PDEATHSIG = 1
KEPT_LOG_BYTES = 10_000_000


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel ends the child when the thread that started it ends; elsewhere `stop` has to."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM) and None


class Process:
    """One command, startable again and again, whose output goes to one log."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name, self.command, self.env, self.log, self.cwd = name, command, env, log, cwd
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._child.pid if self._child is not None and self.is_alive() else None

    def start(self) -> None:
        """Start it; its lines are appended to the log, and an overgrown log is put aside once."""
        out: int | None = subprocess.DEVNULL
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > KEPT_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".old.log"))
            out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(out, f"--- {self.name} starts, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        try:
            self._child = subprocess.Popen(
                self.command,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=_die_with_parent(),
            )
        finally:
            if self.log is not None and out is not None:
                os.close(out)

    def is_alive(self) -> bool:
        """Whether the child runs."""
        return self._child is not None and self._child.poll() is None

    def ended_with(self) -> int | None:
        """The exit code of an ended child."""
        return None if self._child is None else self._child.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and everything that it started."""
        if self._child is not None:
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                return

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self.is_alive():
            self.signal(signal.SIGTERM)

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM, then SIGKILL when it is still there after `patience` seconds."""
        self.ask_to_stop()
        self.wait(patience)
        self.kill()

    def wait(self, patience: float) -> bool:
        """Wait for the end; False when it did not come in time."""
        until = time.monotonic() + patience
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
        return not self.is_alive()

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def last_lines(self, count: int = 15) -> str:
        """The end of the log."""
        if self.log is None or not self.log.exists():
            return "(no log)"
        latest = self.log.read_text(errors="replace").rpartition(f"--- {self.name} starts")[2]
        return "\n".join(latest.splitlines()[1:][-count:]) or "(nothing was logged)"


def is_running(pid: int, program: str) -> bool:
    """Whether a process that is not our child runs, is no zombie, and (on Linux) is the program we mean."""
    proc = Path(f"/proc/{pid}")
    if proc.parent.joinpath("self").exists():
        try:
            return program.encode() in (proc / "cmdline").read_bytes()  # empty for a zombie
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
