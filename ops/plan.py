"""What runs where: ports, the .run folder, generated secrets, and the settings that each part is given."""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops import database
from ops.keys import SECRETS, new_secrets
from ops.postgres import free_port

ROOT = Path(__file__).resolve().parent.parent
PORTS = {
    "PORT": 8000,
    "TEMPORAL_PORT": 7233,
    "TEMPORAL_UI_PORT": 8233,
    "POSTGRES_PORT": 5433,
    "SANDBOX_PORT": 9000,
    "STRIPE_PORT": 8420,
    "METRICS_PORT": 9464,
    "TRYTON_PORT": 8069,
    "MAIL_PORT": 2525,
}
HOST = "127.0.0.1"
ERP = "ieum_erp"  # the role whose database the ERP of a copy has
PYTHON_PARTS = {
    "sandbox": ("-m", "uvicorn", "sandbox.main:app", "--no-access-log", "--no-server-header"),
    "worker": ("worker.py",),
    "letterbox": ("-m", "activities.connectors.letterbox"),
    "app": ("-m", "uvicorn", "app:create_app", "--factory", "--no-access-log", "--no-server-header",
            "--timeout-graceful-shutdown", "10"),
}  # fmt: skip
STRIPE = ("-m", "localstripe", "--from-scratch")  # plays Stripe on one machine; compose.yaml has none


def run_folder() -> Path:
    """Where one running copy keeps its data: RUN_DIR, else .run beside the Makefile."""
    return (ROOT / os.environ.get("RUN_DIR", ".run")).resolve()


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def becomes_free(port: int, seconds: float) -> bool:
    """Whether the port is free, or becomes it soon because the programs of a killed supervisor are ending."""
    until = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def choose_ports(folder: Path) -> dict[str, int]:
    """Ports named in the environment must be free; last time's or the usual ones give way to free ones."""
    kept = folder / "ports.json"
    last: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
    chosen: dict[str, int] = {}
    for name, usual in PORTS.items():
        port = int(os.environ[name]) if name in os.environ else last.get(name, usual)
        if port in chosen.values() or not becomes_free(port, seconds=5 if port == last.get(name) else 0):
            if name in os.environ:
                raise SystemExit(f"{name}={port} is in use by another program: choose another port.")
            port = free_port()
        chosen[name] = port
    kept.write_text(json.dumps(chosen))
    return chosen


def ports_of_running() -> dict[str, int] | None:
    """The ports that the copy in this .run folder uses, if it ever ran."""
    kept = run_folder() / "ports.json"
    return json.loads(kept.read_text()) if kept.exists() else None


def kept_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this copy, made at the first run and readable by their owner only."""
    path = folder / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    complete = new_secrets() | {ERP: secrets.token_urlsafe(24)} | known
    if complete != known:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(complete, file, indent=2)
        fresh.replace(path)
    return complete


@dataclass(frozen=True)
class Plan:
    """Everything that one copy of the house needs to know before it starts."""

    folder: Path
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    admin_url: str
    is_embedded: bool
    database_name: str
    extra: Mapping[str, str] = field(default_factory=dict)  # settings of this copy only

    def local(self, port: str, path: str = "") -> str:
        """An address on this machine."""
        return f"http://localhost:{self.ports[port]}{path}"

    def command(self, part: str) -> list[str]:
        """How one of our own programs is started; compose.yaml and the Dockerfile use the same words."""
        if part == "stripe":
            return [sys.executable, *STRIPE, "--port", str(self.ports["STRIPE_PORT"])]
        served = {"app": "PORT", "sandbox": "SANDBOX_PORT"}
        place = ["--host", HOST, "--port", str(self.ports[served[part]])] if part in served else []
        return [sys.executable, *PYTHON_PARTS[part], *place]

    @property
    def urls(self) -> database.Urls:
        """How each role reaches the database."""
        return database.urls(self.admin_url, self.database_name, self.secrets)

    def settings(self) -> dict[str, str]:
        """The settings of docs/settings.md for this copy; what the environment already says wins."""
        outside = f"http://127.0.0.1:{self.ports['SANDBOX_PORT']}"
        own = {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self.ports['TEMPORAL_PORT']}",
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_UI_URL": self.local("TEMPORAL_UI_PORT"),
            "PUBLIC_URL": self.local("PORT"),
            "GATEWAY_URL": f"{outside}/gateway",
            "GATEWAY_PUBLIC_URL": self.local("SANDBOX_PORT", "/gateway"),
            "MAIL_URL": f"{outside}/mail",
            "SMS_URL": f"{outside}/sms",
            "TELEPHONY_URL": f"{outside}/telephony",
            "MARKETING_URL": f"{outside}/marketing",
            "STOCK_URL": f"{outside}/stock",
            "CARRIER_URL": f"{outside}/carrier",
            "CREDIT_URL": f"{outside}/credit",
            "ACCOUNTING_URL": f"http://127.0.0.1:{self.ports['TRYTON_PORT']}",
            "ALIMTALK_URL": f"{outside}/alimtalk",
            "SERVICE_URL": f"{outside}/service",
            "HR_URL": f"{outside}/hr",
            "DIRECTORY_URL": f"{outside}/directory/scim/v2",
            "OFFICE_URL": f"{outside}/office",
            "BANK_URL": f"{outside}/bank",
            "TAX_URL": f"{outside}/tax",
            "STRIPE_URL": self.local("STRIPE_PORT"),
            "STRIPE_SECRET": "sk_test_localstripe",
            "TRACKING_URL": self.local("SANDBOX_PORT", "/carrier/track"),
            "DESK_ADDRESS": "desk@ieum.example",
            "MAIL_ADDRESSES": "help@ieum.example",
            "MAIL_LISTEN": f"{HOST}:{self.ports['MAIL_PORT']}",
            "FILES_DIR": str(self.folder / "files"),
            "METRICS_PORT": str(self.ports["METRICS_PORT"]),
            "LOG_LEVEL": "info",
            **{name: self.secrets[name] for name in SECRETS},
        }
        return {name: value for name, value in own.items() if not given(name)}

    def environment(self, *parts: str) -> dict[str, str]:
        """The environment of a part; `parts` names the database roles whose addresses it may know."""
        own = {"RUN_DIR": str(self.folder), **self.settings()}
        addresses = {
            "app": ("DATABASE_URL", self.urls.app),
            "worker": ("DATABASE_WORKER_URL", self.urls.worker),
            "owner": ("DATABASE_OWNER_URL", self.urls.owner),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            **own,
            **self.extra,
            **dict(addresses[part] for part in parts),
        }


def given(name: str) -> bool:
    """Whether the environment already sets NAME, as a value or as a file."""
    return name in os.environ or f"{name}_FILE" in os.environ


def make_plan(*, ports: Mapping[str, int] | None = None) -> Plan:
    """Read the environment and the .run folder, and decide; `ports` are those of a copy that runs already."""
    folder = run_folder()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_ports(folder) if ports is None else ports
    embedded = f"postgresql://postgres@127.0.0.1:{chosen['POSTGRES_PORT']}/postgres"
    admin_url = os.environ.get("DATABASE_URL", embedded)
    name = os.environ.get("DATABASE_NAME", "ieum")
    return Plan(folder, chosen, kept_secrets(folder), admin_url, "DATABASE_URL" not in os.environ, name)
