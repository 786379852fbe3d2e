"""Documents and postings: written inside a step's own transaction, each event once, each number gap-free."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.arrears import money_came
from models.billing import CreditNote, Invoice, LedgerEntry, LedgerTransaction, NumberSeries
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Entry, Event


async def next_number(session: AsyncSession, series: str) -> str:
    """The next number; the series' row stays locked until its document is committed, so no gap is left."""
    statement = insert(NumberSeries).values(series=series, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["series"], set_={"last": NumberSeries.last + 1}
    )
    last = (await session.execute(statement.returning(NumberSeries.last))).scalar_one()  # type: ignore[call-overload]
    return f"{series}-{last:06d}"


async def post(
    session: AsyncSession,
    invoice: Invoice,
    event: Event,
    entries: Sequence[Entry],
    *,
    source: str,
    at: datetime,
) -> bool:
    """Post one event of an invoice to the ledger; False when it was posted before.

    What comes late for a closed month is booked on the first open day."""
    row = {
        "source": source, "purpose": event.value, "posted_at": at,
        "customer_id": invoice.customer_id, "posted_on": func.posting_day(rules.on_day(at)),
    }  # fmt: skip
    statement = insert(LedgerTransaction).values(row).on_conflict_do_nothing()
    number = (await session.execute(statement.returning(LedgerTransaction.id))).scalar()  # type: ignore[call-overload]
    if number is None:
        return False
    whole = {"transaction_id": number, "currency": invoice.currency}
    rows = [{**whole, "position": position, **asdict(entry)} for position, entry in enumerate(entries, 1)]
    if rows:  # in one statement, after which the posting has to balance
        await session.execute(insert(LedgerEntry).values(rows))
    return True


async def credit(
    session: AsyncSession, invoice: Invoice, *, note_id: str, gross_minor: int, reason: str, at: datetime
) -> CreditNote:
    """Take this much of an invoice back by a document of its own, numbered and posted; once per id."""
    if found := await session.get(CreditNote, note_id):
        return found
    before = await session.execute(
        select(
            func.coalesce(func.sum(col(CreditNote.net_minor)), 0),
            func.coalesce(func.sum(col(CreditNote.tax_minor)), 0),
        ).where(col(CreditNote.invoice_id) == invoice.id)
    )
    net, tax = rules.credited(
        rules.Totals(invoice.net_minor, invoice.tax_minor), rules.Totals(*map(int, before.one())), gross_minor
    )
    day = rules.on_day(at)
    note = CreditNote(
        id=note_id, number=await next_number(session, f"C{day.year}"), invoice_id=invoice.id,
        case_id=invoice.case_id, customer_id=invoice.customer_id, currency=invoice.currency, net_minor=net,
        tax_minor=tax, total_minor=gross_minor, reason=reason, issued_on=day, created_at=at,
    )  # fmt: skip
    session.add(note)
    await session.flush()
    entries = rules.credit_postings(rules.Totals(net, tax))
    await post(session, invoice, Event.CREDIT, entries, source=f"credit:{note_id}", at=at)
    await money_came(session, (invoice.customer_id,), at)
    return note
