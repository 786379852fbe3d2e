"""Make the database: three roles of little power, the database itself, and its newest tables.

`python -m ops.database` does it for the server that DATABASE_URL (an administrator's address) names or for
the embedded one of a running copy; where only DATABASE_OWNER_URL is set, it migrates and nothing more.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ops.keys import ROLES

ROOT = Path(__file__).resolve().parent.parent
OWNER, APP, WORKER = ROLES
POWERLESS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"


@dataclass(frozen=True)
class Urls:
    """How each role reaches the database."""

    owner: str
    app: str
    worker: str


def address(admin_url: str, database: str, user: str | None = None, password: str = "") -> str:
    """The administrator's URL turned to another database and, if asked, another user."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rsplit("@", 1)[-1]
    who = parts.netloc.rpartition("@")[0] if user is None else f"{user}:{quote(password, safe='')}"
    netloc = f"{who}@{place}" if who else place
    return urlunsplit(("postgresql", netloc, f"/{database}", parts.query, ""))


def urls(admin_url: str, database: str, passwords: Mapping[str, str]) -> Urls:
    """The three addresses, for the passwords kept by role name."""
    owner, app, worker = (address(admin_url, database, role, passwords[role]) for role in ROLES)
    return Urls(owner, app, worker)


def answers(url: str) -> bool:
    """Whether the server really answers SQL."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def wait_for(url: str, seconds: float = 60) -> None:
    """Return once the server answers."""
    until = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > until:
            raise SystemExit("PostgreSQL does not answer; `make up` starts the embedded one.")
        time.sleep(0.1)


def make_roles(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Owner, app and worker may sign in and nothing more. Safe to repeat: passwords are set anew."""
    maintenance = address(admin_url, _maintenance(admin_url))
    with psycopg.connect(maintenance, autocommit=True) as admin:
        for role in ROLES:
            known = admin.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
            verb = "ALTER" if known else "CREATE"
            admin.execute(
                sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.SQL(POWERLESS), sql.Literal(passwords[role])
                )
            )


def make_database(admin_url: str, database: str) -> None:
    """The database belongs to the owner; nobody but the three roles may connect. Safe to repeat."""
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
    names |= {"app": sql.Identifier(APP), "worker": sql.Identifier(WORKER)}
    with psycopg.connect(address(admin_url, _maintenance(admin_url)), autocommit=True) as admin:
        admin.execute(sql.SQL("GRANT {owner} TO CURRENT_USER").format(**names))
        known = admin.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
        if not known:
            text = "CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
            admin.execute(sql.SQL(text).format(**names))
    with psycopg.connect(address(admin_url, database), autocommit=True) as admin:
        for line in (
            "ALTER DATABASE {database} OWNER TO {owner}",
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {database} TO {owner}, {app}, {worker}",
            "GRANT TEMPORARY ON DATABASE {database} TO {worker}",  # what a slice of a bill run works on
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "ALTER SCHEMA public OWNER TO {owner}",
            "GRANT USAGE ON SCHEMA public TO {app}, {worker}",
        ):
            admin.execute(sql.SQL(line).format(**names))


NEEDED = ("btree_gist", "pg_trgm")
"""Extensions of PostgreSQL's own contrib modules: no technician twice at a time, and the search."""


def refuse_without_extensions(owner_url: str) -> None:
    """End with a sentence when the server has not got what the migrations need."""
    with psycopg.connect(owner_url) as owner:
        there = owner.execute(
            "select name from pg_available_extensions where name = any(%s)", (list(NEEDED),)
        )
        missing = sorted({*NEEDED} - {name for (name,) in there})
    if missing:
        raise SystemExit(
            f"This PostgreSQL has no {' and no '.join(missing)}. They come with PostgreSQL's contrib modules"
            " (Debian: part of postgresql, others: postgresql-contrib); install them on the database server."
        )


def migrate(owner_url: str) -> None:
    """Bring the tables to the newest migration, as their owner; the migrations grant the rights."""
    refuse_without_extensions(owner_url)
    env = {**os.environ, "DATABASE_OWNER_URL": owner_url}
    subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=env, check=True)


def prepare(admin_url: str, database: str, passwords: Mapping[str, str]) -> Urls:
    """Roles, database and tables; returns how each role reaches them."""
    make_roles(admin_url, passwords)
    make_database(admin_url, database)
    made = urls(admin_url, database, passwords)
    migrate(made.owner)
    return made


def _maintenance(admin_url: str) -> str:
    """The database that the administrator's URL names, or the one that every server has."""
    return urlsplit(admin_url).path.strip("/") or "postgres"


def main() -> None:
    """What `make migrate` does."""
    if owner := os.environ.get("DATABASE_OWNER_URL") or _from_file("DATABASE_OWNER_URL_FILE"):
        wait_for(owner)
        migrate(owner)
        return
    from ops.plan import make_plan, ports_of_running  # late: plan itself uses this module

    plan = make_plan(ports=ports_of_running())
    wait_for(plan.admin_url, 5)
    prepare(plan.admin_url, plan.database_name, plan.secrets)


def _from_file(name: str) -> str | None:
    """The content of the file that a NAME_FILE variable points to."""
    path = os.environ.get(name)
    return Path(path).read_text().strip() if path else None


if __name__ == "__main__":
    main()
