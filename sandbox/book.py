"""The only book of what was really charged and sent: one SQLite file that survives restarts."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLES = """
create table if not exists authorisations (
  payment_key text primary key, order_id text, amount integer, currency text, card text, state text,
  failure_code text default '', created_at real);
create index if not exists authorisations_by_order on authorisations (order_id);
create table if not exists moves (
  id integer primary key, kind text, payment_key text, order_id text, amount integer, currency text,
  key text, at real);
create index if not exists moves_by_order on moves (order_id);
create table if not exists cancels (
  id integer primary key, payment_key text, amount integer, reason text, transaction_key text, at real);
create table if not exists cards (
  auth_key text primary key, customer_key text, card text, billing_key text, digits text, state text,
  created_at real);
create table if not exists answers (
  scope text primary key, status integer, body text, created_at real);
create table if not exists messages (
  id integer primary key, kind text, key text, receiver text, subject text, text text, html text,
  headers text, at real);
create index if not exists messages_by_receiver on messages (kind, receiver);
create table if not exists deliveries (
  id integer primary key, hook text default 'webhook', event_id text, body text, due_at real,
  tries integer default 0,
  state text default 'waiting', status integer);
create table if not exists bank_files (name text primary key, body text, at real);
create table if not exists bank_moves (
  id integer primary key, name text, number integer, amount integer, account text, at real);
create table if not exists bank_deposits (
  id integer primary key, notice text, account text, amount integer, at real);
create table if not exists settings (name text primary key, value text);
"""
ANSWER_LIFE = 15 * 86400  # an idempotency key is remembered for 15 days, as Toss does


def place() -> Path:
    """Where the book lies: SANDBOX_BOOK, or beside everything else that this copy runs."""
    return Path(os.environ.get("SANDBOX_BOOK") or Path(os.environ.get("RUN_DIR", ".run")) / "sandbox.sqlite")


class Book:
    """Every charge, refund, mail and SMS that really happened, and the answers given under a key."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self.base.row_factory = sqlite3.Row
        self.base.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + TABLES)

    def close(self) -> None:
        """Leave the file in order."""
        self.base.close()

    @contextmanager
    def page(self) -> Iterator[None]:
        """All or nothing; handlers never wait inside, so one page is written at a time."""
        with self.base:  # commits at the end, rolls back when something is raised
            self.base.execute("begin immediate")
            yield

    def now(self) -> float:
        """The outside world's clock; tests move it to let keys run out."""
        return time.time() + float(self.setting("clock_offset", "0"))

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Everything that a query finds."""
        return [dict(row) for row in self.base.execute(query, values)]

    def row(self, query: str, *values: Any) -> dict[str, Any] | None:
        """The first row that a query finds."""
        found = self.base.execute(query, values).fetchone()
        return dict(found) if found else None

    def write(self, table: str, **values: Any) -> int:
        """Add one row and say its number."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        done = self.base.execute(f"insert into {table} ({names}) values ({marks})", list(values.values()))  # noqa: S608
        return int(done.lastrowid or 0)

    def setting(self, name: str, default: str) -> str:
        """A remembered setting."""
        found = self.row("select value from settings where name = ?", name)
        return str(found["value"]) if found else default

    def remember(self, name: str, value: str) -> None:
        """Keep a setting over restarts."""
        self.base.execute("insert or replace into settings values (?, ?)", (name, value))

    def answered(self, scope: str) -> tuple[int, Any] | None:
        """The first answer given under this key, while the key is remembered."""
        found = self.row(
            "select * from answers where scope = ? and created_at > ?", scope, self.now() - ANSWER_LIFE
        )
        return (int(found["status"]), json.loads(found["body"])) if found else None

    def answer(self, scope: str, status: int, body: Any) -> None:
        """Remember the first answer, errors too."""
        self.base.execute(
            "insert or replace into answers values (?, ?, ?, ?)",
            (scope, status, json.dumps(body), self.now()),
        )

    def reset(self) -> None:
        """Forget everything, settings too."""
        with self.page():
            for table in self.rows("select name from sqlite_master where type = 'table'"):
                self.base.execute(f"delete from {table['name']}")  # noqa: S608
