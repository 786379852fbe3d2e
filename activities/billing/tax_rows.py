"""The statements of evidence for the tax office: rows with their keys, set-based, before anybody is asked."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.messages.billing.tax import WriteTaxDocuments
from models.rules.billing.tax import ISSUE_DAY, RECEIPT_DAYS, earliest

SIZE = 1_000
NEXT_MONTH = (
    f"interval '1 month {ISSUE_DAY - 1} days'"  # from a month's first day to the last one for its invoices
)
PAGE = """
select customer_id from billing_accounts where tax_document <> 'card_slip' and customer_id > :after
order by customer_id limit :size
"""
NEW = """insert into tax_documents (id, invoice_id, customer_id, credit_note_id, kind, operation, original,
  status, net_minor, tax_minor, total_minor, written_on, issue_by, number, code, lookups, created_at) """
# One for each invoice of a business, dated as the invoice; until the 10th of the next month it may be issued.
INVOICES = f"""{NEW}
select 'T' || i.number, i.id, i.customer_id, null, 'tax_invoice', 'issue', '', 'waiting', i.net_minor,
  i.tax_minor, i.total_minor, i.issued_on,
  (date_trunc('month', i.issued_on) + {NEXT_MONTH})::date, '', '', 0, :at
from invoices i join billing_accounts b on b.customer_id = i.customer_id and b.tax_document = 'tax_invoice'
where i.customer_id = any(:customers) and i.status <> 'cancelled' and i.total_minor > 0
  and i.issued_on between :earliest and :day
on conflict do nothing"""  # noqa: S608 - only our own words are put together
# One for what came in cash of a paid invoice, with its part of the VAT; a card's part has its slip.
RECEIPTS = f"""{NEW}
select 'R' || number, id, customer_id, null, 'cash_receipt', 'issue', '', 'waiting', cash - tax,
  tax, cash, paid_on, paid_on + {RECEIPT_DAYS}, '', '', 0, :at
from (
  select i.id, i.number, i.customer_id, (i.paid_at at time zone 'Asia/Seoul')::date as paid_on,
    sum(a.amount_minor)::bigint as cash,
    floor(i.tax_minor * sum(a.amount_minor) / i.total_minor)::bigint as tax
  from invoices i join billing_accounts b on b.customer_id = i.customer_id and b.tax_document = 'cash_receipt'
  join payment_allocations a on a.invoice_id = i.id
  join payment_attempts p on p.id = a.attempt_id and p.provider in ('bank', 'suspense')
  where i.customer_id = any(:customers) and i.status = 'paid'
    and i.paid_at > cast(:at as timestamptz) - interval '31 days'
  group by i.id) paid
on conflict do nothing"""  # noqa: S608 - only our own words are put together
# What was issued is taken back with every credit note, never by more than it was issued for.
AMENDED = f"""{NEW}
select 'A' || number, invoice_id, customer_id, note_id, kind, 'amend', original, 'waiting',
  amount - floor(tax::numeric * amount / total)::bigint, floor(tax::numeric * amount / total)::bigint,
  amount, issued_on,
  case kind when 'tax_invoice' then (date_trunc('month', issued_on) + {NEXT_MONTH})::date
    else issued_on + {RECEIPT_DAYS} end, '', '', 0, :at
from (
  select c.id as note_id, c.number, c.invoice_id, c.customer_id, t.kind, t.id as original, c.issued_on,
    c.tax_minor as tax, c.total_minor as total,
    least(c.total_minor, t.total_minor - sum(c.total_minor) over (partition by t.id order by c.number)
      + c.total_minor) as amount
  from credit_notes c join tax_documents t
    on t.invoice_id = c.invoice_id and t.operation = 'issue' and t.status = 'issued') notes
where amount > 0 and not exists (select 1 from tax_documents d where d.credit_note_id = notes.note_id)
limit :size on conflict do nothing"""  # noqa: S608 - only our own words are put together
CANCELLED = f"""{NEW}
select 'X' || i.number, i.id, i.customer_id, null, t.kind, 'amend', t.id, 'waiting', t.net_minor, t.tax_minor,
  t.total_minor, (i.cancelled_at at time zone 'Asia/Seoul')::date,
  (date_trunc('month', i.cancelled_at at time zone 'Asia/Seoul') + {NEXT_MONTH})::date,
  '', '', 0, :at
from tax_documents t join invoices i on i.id = t.invoice_id
where t.operation = 'issue' and t.status = 'issued' and i.status = 'cancelled'
  and not exists (select 1 from tax_documents d where d.id = 'X' || i.number)
limit :size on conflict do nothing"""  # noqa: S608 - only our own words are put together
VOID = """
update tax_documents t set status = 'void', settled_at = :at from invoices i
where i.id = t.invoice_id and i.status = 'cancelled' and t.operation = 'issue'
  and t.status in ('waiting', 'parked') and t.asked_at is null
"""


async def write_for(session: AsyncSession, asked: WriteTaxDocuments) -> tuple[str, int]:
    """Rows for the next accounts; the last customer and how many rows there are."""
    page = {"after": asked.after, "size": SIZE}
    customers = list((await session.scalars(text(PAGE), page)).all())
    if not customers:
        return "", 0
    facts: dict[str, Any] = {"customers": customers, "at": asked.at}
    made = await session.execute(
        text(INVOICES), {**facts, "day": asked.day, "earliest": earliest(asked.day)}
    )  # fmt: skip
    more = await session.execute(text(RECEIPTS), facts)
    return customers[-1], made.rowcount + more.rowcount  # type: ignore[attr-defined]


async def write_backs(session: AsyncSession, asked: WriteTaxDocuments) -> int:
    """Rows for what was credited or cancelled since; how many there are."""
    await session.execute(text(VOID), {"at": asked.at})
    count = 0
    for statement in (AMENDED, CANCELLED):
        made = await session.execute(text(statement), {"at": asked.at, "size": SIZE})
        count += made.rowcount  # type: ignore[attr-defined]
    return count
