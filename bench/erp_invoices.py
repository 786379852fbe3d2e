"""Runs as Tryton's own process: makes and posts invoices with its models, and prints how long that took.

`python -m bench.erp_invoices CONFIG DATABASE COUNT BATCH`: COUNT invoices of one line with 10 % VAT, BATCH of
them in one transaction with the locks taken at once; a batch of one is how its client does it."""

import json
import os
import sys
import time
from datetime import date
from decimal import Decimal
from typing import Any

from ops import erp


def furnish(pool: Any, company: Any) -> dict[str, int]:
    """What an invoice needs beyond a ledger: a receivable with parties, a tax, sequences, a customer."""
    accounts, types = pool.get("account.account"), pool.get("account.account.type")
    revenue = accounts.search([("code", "=", "412")])[0]
    vat = accounts.search([("code", "=", "255")])[0]
    (owed,) = types.create([{"name": "receivable", "statement": "balance", "assets": True, "receivable": True,
                             "company": company.id, "parent": revenue.type.parent.id}])  # fmt: skip
    (receivable,) = accounts.create([
        {"name": "외상", "code": "1081", "type": owed.id, "company": company.id, "reconcile": True,
         "party_required": True}
    ])  # fmt: skip
    (tax,) = pool.get("account.tax").create([
        {"name": "VAT 10 %", "description": "VAT", "type": "percentage", "rate": Decimal("0.1"),
         "company": company.id, "invoice_account": vat.id, "credit_note_account": vat.id}
    ])  # fmt: skip
    sequences = pool.get("ir.sequence.strict")
    kind = pool.get("ir.model.data").get_id("account_invoice", "sequence_type_account_invoice")
    for year in pool.get("account.fiscalyear").search([]):
        (numbers,) = sequences.create([{"name": f"invoices {year.name}", "sequence_type": kind,
                                        "company": company.id}])  # fmt: skip
        names = ("out_invoice_sequence", "out_credit_note_sequence", "in_invoice_sequence",
                 "in_credit_note_sequence")  # fmt: skip
        pool.get("account.fiscalyear").write([year], {"invoice_sequences": [
            ("create", [{"company": company.id, **dict.fromkeys(names, numbers.id)}])]})  # fmt: skip
    (journal,) = pool.get("account.journal").create([{"name": "매출", "code": "REV", "type": "revenue"}])
    (party,) = pool.get("party.party").create(
        [{"name": "고객", "addresses": [("create", [{"city": "서울"}])]}]
    )
    return {"party": party.id, "address": party.addresses[0].id, "receivable": receivable.id,
            "revenue": revenue.id, "tax": tax.id, "journal": journal.id}  # fmt: skip


def one(ids: dict[str, int], company: Any) -> dict[str, Any]:
    """One invoice over one monthly rent."""
    line = {"type": "line", "quantity": 1, "unit_price": Decimal(29_909), "account": ids["revenue"],
            "description": "정수기", "taxes": [("add", [ids["tax"]])], "company": company.id}  # fmt: skip
    return {
        "type": "out", "party": ids["party"], "invoice_address": ids["address"], "account": ids["receivable"],
        "journal": ids["journal"], "company": company.id, "currency": company.currency.id,
        "invoice_date": date.today(), "lines": [("create", [line])],
    }  # fmt: skip


def in_transaction(database: str, work: Any) -> Any:
    """Begin anew with whatever locks Tryton asks for, as its own dispatcher does."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction, TransactionError

    locks: dict[str, Any] = {}
    with Transaction().start(database, 0, readonly=True):
        administrator = Pool().get("res.user").search([("login", "=", "admin")])[0].id
    while True:
        with Transaction().start(database, administrator, **locks) as transaction:
            try:
                pool = Pool()
                company = pool.get("company.company").search([])[0]
                with transaction.set_context(company=company.id):
                    return work(pool, company)
            except TransactionError as wants:
                transaction.rollback()
                wants.fix(locks)


def main(config_file: str, database: str, count: int, batch: int) -> None:
    """Furnish, then make and post; the first batch is not counted."""
    if not erp.is_made(config_file, database):
        erp.init(config_file, database, ["account", "account_invoice"])
        erp.furnish(database, os.environ["ACCOUNTING_PASSWORD"])
    from trytond import config

    config.update_etc([config_file])
    from trytond.pool import Pool

    Pool(database).init()
    ids = in_transaction(database, furnish)

    def make(pool: Any, company: Any) -> None:
        invoices = pool.get("account.invoice")
        made = invoices.create([one(ids, company) for _ in range(batch)])
        invoices.post(made)

    in_transaction(database, make)
    began, cpu = time.monotonic(), time.process_time()
    for _ in range(count // batch):
        in_transaction(database, make)
    done = count // batch * batch
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu, "done": done}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
