"""Tryton, the ERP of the demo and the tests: own role, own database, one process that serves JSON-RPC."""

import json
import os
import secrets
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psycopg
from psycopg import sql

from ops.database import POWERLESS, address
from ops.plan import ERP, ROOT, Plan
from ops.processes import Process

ROLE = DATABASE = ERP


def make_database(admin_url: str, password: str, database: str = DATABASE) -> str:
    """Role and empty database of the ERP; its address. Safe to repeat: the password is set anew."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        known = admin.execute("select 1 from pg_roles where rolname = %s", (ROLE,)).fetchone()
        admin.execute(
            sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(ROLE), sql.SQL(POWERLESS),
                sql.Literal(password),
            )
        )  # fmt: skip
        if not admin.execute("select 1 from pg_database where datname = %s", (database,)).fetchone():
            admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(ROLE)))
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(database), sql.Identifier(ROLE)
                )
            )
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    return address(admin_url, database, ROLE, password)


def write_config(place: Path, database_url: str, port: int) -> Path:
    """Tryton's settings; only their owner reads them."""
    place.parent.mkdir(parents=True, exist_ok=True)
    server = database_url.rsplit("/", 1)[0]
    text = f"[database]\nuri = {server}\n[web]\nlisten = 127.0.0.1:{port}\n[session]\ntimeout = 300\n"
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return place


def environment(folder: Path, password: str) -> dict[str, str]:
    """What Tryton's process is told; the administrator's own password is made up and kept in its folder."""
    kept = folder / "administrator"
    if not kept.exists():
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    names = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in names if name in os.environ},
        "TRYTONPASSFILE": str(kept), "ACCOUNTING_PASSWORD": password, "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def process(folder: Path, config: Path, password: str, database: str = DATABASE, *modules: str) -> Process:
    """Tryton, which makes its own tables and company when it is new and then serves."""
    command = [sys.executable, "-m", "ops.erp", "serve", str(config), database, *modules]
    env = environment(folder, password)
    return Process("tryton", command, env=env, log=folder / "tryton.log", cwd=ROOT)


def serves(port: int, database: str = DATABASE) -> bool:
    """Whether it answers a question about its database; a wrong sign-in is an answer too."""
    body = json.dumps(
        {"id": 1, "method": "common.db.login", "params": ["nobody", {"password": "x"}]}
    ).encode()
    asked = Request(f"http://127.0.0.1:{port}/{database}/rpc/", body, {"content-type": "application/json"})
    try:
        with urlopen(asked, timeout=10) as answer:
            return int(answer.status) == 200
    except URLError as no:
        return getattr(no, "code", None) == 401
    except OSError:
        return False


class Tryton:
    """The ERP as a part of the running house; new, it takes up to a minute, and nobody waits for it."""

    name = "tryton"

    def __init__(self, plan: Plan) -> None:
        self.plan, self.folder = plan, plan.folder / "tryton"
        self.port = plan.ports["TRYTON_PORT"]
        self.config = self.folder / "trytond.conf"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = process(self.folder, self.config, plan.secrets["ACCOUNTING_PASSWORD"])
        self.process.log = plan.folder / "logs" / "tryton.log"
        self.is_alive, self.stop = self.process.is_alive, self.process.stop
        self.ask_to_stop, self.last_lines = self.process.ask_to_stop, self.process.last_lines

    def start(self) -> None:
        """Make sure of role and database, then start it."""
        url = make_database(self.plan.admin_url, self.plan.secrets[ROLE])
        write_config(self.config, url, self.port)
        self.process.start()

    def is_ready(self) -> bool:
        """Whether its company can be asked."""
        return serves(self.port)
