"""What is in the ERP before we post to it: one Korean company, its chart of accounts, years and a journal.

`python -m ops.erp make|serve CONFIG DATABASE MODULE…` runs as the process of Tryton; safe to repeat. Our
user's password comes from ACCOUNTING_PASSWORD, the administrator's from the file TRYTONPASSFILE. It talks to
Tryton's models: a company and a chart are made once, by hand, and not over the line that we post on."""

import configparser
import io
import os
import sys
from calendar import monthrange
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

# code: name, statement, whether it is an asset, what sort of income
CHART: dict[str, tuple[str, str, bool, str]] = {
    "103": ("보통예금", "balance", True, ""),
    "108": ("외상매출금", "balance", True, ""),
    "120": ("미수금(PG사)", "balance", True, ""),
    "255": ("부가세예수금", "balance", False, ""),
    "257": ("가수금", "balance", False, ""),
    "263": ("선수수익", "balance", False, ""),
    "412": ("렌탈·서비스매출", "income", False, "revenue"),
    "835": ("대손상각비", "income", False, "expense"),
}
USER, JOURNAL = "ieum", "SUB"
YEARS = 2  # before and after the present one


def init(config_file: str, database: str, modules: list[str]) -> None:
    """Make Tryton's tables with these modules; what is there is left."""
    from trytond import config

    config.update_etc([config_file])  # before anything that looks for a database
    from trytond import admin
    from trytond.commandline import get_parser_admin

    asked = ["-c", config_file, "-d", database, "-u", *modules, "--activate-dependencies"]
    options = get_parser_admin().parse_args(asked)
    sys.stdin = io.StringIO("\n")  # no mail address for the administrator
    admin.run(options)


def furnish(database: str, password: str) -> None:
    """Company, chart, years, journal and our user in one transaction, begun anew with the locks it wants."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction, TransactionError

    locks: dict[str, Any] = {}
    while True:
        with Transaction().start(database, 0, **locks) as transaction:
            try:
                _fill(Pool(), transaction, password)
            except TransactionError as wants:
                transaction.rollback()
                wants.fix(locks)
                continue
            return


def _fill(pool: Any, transaction: Any, password: str) -> None:
    if pool.get("company.company").search([]):
        return
    company = _company(pool)
    with transaction.set_context(company=company.id):
        _chart(pool, company)
        _years(pool, company)
        _journal(pool)
        _user(pool, company, password)


def _company(pool: Any) -> Any:
    won = pool.get("currency.currency").create(
        [{"name": "대한민국 원", "code": "KRW", "symbol": "₩", "digits": 0, "rounding": Decimal(1)}]
    )[0]
    party = pool.get("party.party").create([{"name": "이음"}])[0]
    (company,) = pool.get("company.company").create(
        [{"party": party.id, "currency": won.id, "timezone": "Asia/Seoul"}]
    )
    return company


def _chart(pool: Any, company: Any) -> None:
    types = pool.get("account.account.type")
    (root,) = types.create([{"name": "계정과목", "company": company.id}])
    kinds: dict[tuple[str, bool, str], int] = {}
    for _, statement, is_asset, sort in CHART.values():
        key = (statement, is_asset, sort)
        if key not in kinds:
            row = {
                "name": "/".join(filter(None, (statement, "assets" if is_asset else "", sort))),
                "statement": statement, "assets": is_asset, "company": company.id, "parent": root.id,
            }  # fmt: skip
            kinds[key] = types.create([{**row, **({sort: True} if sort else {})}])[0].id
    pool.get("account.account").create([
        {"name": name, "code": code, "company": company.id, "type": kinds[statement, is_asset, sort]}
        for code, (name, statement, is_asset, sort) in CHART.items()
    ])  # fmt: skip


def _years(pool: Any, company: Any) -> None:
    years, sequences = pool.get("account.fiscalyear"), pool.get("ir.sequence.strict")
    kind = pool.get("ir.model.data").get_id("account", "sequence_type_account_move")
    for year in range(date.today().year - YEARS, date.today().year + YEARS + 1):
        (numbers,) = sequences.create(
            [{"name": str(year), "sequence_type": kind, "company": company.id, "prefix": f"{year}-"}]
        )
        months = [
            {"name": f"{year}-{month:02d}", "start_date": date(year, month, 1), "type": "standard",
             "end_date": date(year, month, monthrange(year, month)[1])}
            for month in range(1, 13)
        ]  # fmt: skip
        years.create([
            {"name": str(year), "start_date": date(year, 1, 1), "end_date": date(year, 12, 31),
             "company": company.id, "move_sequence": numbers.id, "periods": [("create", months)]}
        ])  # fmt: skip


def _journal(pool: Any) -> None:
    pool.get("account.journal").create([{"name": "구독·렌탈 보조원장", "code": JOURNAL, "type": "general"}])


def _user(pool: Any, company: Any, password: str) -> None:
    """Who posts for us and may do nothing else; the administrator works for the same company."""
    group = pool.get("ir.model.data").get_id("account", "group_account")
    users = pool.get("res.user")
    users.write(users.search([("login", "=", "admin")]),
                {"companies": [("add", [company.id])], "company": company.id})  # fmt: skip
    users.create([
        {"name": "Ieum", "login": USER, "password": password, "companies": [("add", [company.id])],
         "company": company.id, "groups": [("add", [group])]}
    ])  # fmt: skip


def is_made(config_file: str, database: str) -> bool:
    """Whether company and user stand there already; looked up without loading Tryton."""
    parts = configparser.ConfigParser(interpolation=None)
    parts.read(config_file)
    with psycopg.connect(f"{parts['database']['uri']}/{database}") as connection:
        table = connection.execute("select to_regclass('public.res_user')").fetchone()
        if table is None or table[0] is None:
            return False
        return connection.execute("select 1 from res_user where login = %s", (USER,)).fetchone() is not None


def main(what: str, config_file: str, database: str, *modules: str) -> None:
    """Tables first, then what stands in them; `serve` goes on as Tryton's server."""
    if not is_made(config_file, database):
        init(config_file, database, list(modules) or ["account"])
        furnish(database, os.environ["ACCOUNTING_PASSWORD"])
    if what == "serve":
        server = str(Path(sys.executable).parent / "trytond")
        os.execv(sys.executable, [sys.executable, server, "-c", config_file, "-d", database])


if __name__ == "__main__":
    main(*sys.argv[1:])
