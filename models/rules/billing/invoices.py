"""What a repair costs and how it is booked. Integers only: minor units of one currency, VAT included."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.kit.money import shown
from models.messages.billing.invoices import (
    Billable,
    Issued,
    LedgerAccount,
    LineKind,
    PricedLine,
    SettleInvoice,
)
from models.messages.field_service import Outcome
from models.messages.journeys import Wait, WaitFor

TAX_RULE = "kr-vat-10-included"
SEOUL = ZoneInfo("Asia/Seoul")
REMIND_BEFORE = timedelta(days=3)
TRY_AGAIN = timedelta(hours=6)
# A technician was there and worked; whether it helped does not matter for the bill.
WORKED = frozenset({Outcome.REPAIRED, Outcome.PART_NEEDED, Outcome.NOT_REPAIRABLE})
NAMES = {
    LineKind.CALL_OUT: ("출장비", "Call-out"),
    LineKind.LABOUR: ("수리 공임 (30분 단위)", "Labour (per started half hour)"),
}


@dataclass(frozen=True)
class UsedPart:
    """A part built in, at the price of its list."""

    part_id: str
    name_ko: str
    name_en: str
    quantity: int
    unit_minor: int


@dataclass(frozen=True)
class VisitWork:
    """One visit as the bill sees it."""

    visit_id: str
    outcome: Outcome | None
    labour_minutes: int = 0
    parts: tuple[UsedPart, ...] = ()


@dataclass(frozen=True)
class Prices:
    """What the product's price list says, VAT included."""

    call_out_minor: int
    labour_minor: int  # per started half hour


@dataclass(frozen=True)
class Line:
    """One priced line as it is stored."""

    kind: LineKind
    name_ko: str
    name_en: str
    quantity: int
    unit_minor: int
    gross_minor: int
    net_minor: int
    tax_minor: int
    tax_rule: str = TAX_RULE


@dataclass(frozen=True)
class Totals:
    """The sums of an invoice."""

    net_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.net_minor + self.tax_minor


class Event(StrEnum):
    """What posts to the ledger; each at most once per source."""

    ISSUE = "issue"
    PAYMENT = "payment"
    CANCEL = "cancel"
    REFUND = "refund"  # money given back
    CREDIT = "credit"  # (part of) an invoice taken back by a credit note
    DEFERRAL = "deferral"  # the close of a month moves what is not earned yet
    WRITE_OFF = "write_off"  # nobody pays it any more; the VAT stays owed


@dataclass(frozen=True)
class Entry:
    """One side of a posting."""

    account: LedgerAccount
    debit_minor: int = 0
    credit_minor: int = 0


def worked(works: Iterable[VisitWork]) -> tuple[VisitWork, ...]:
    """The visits on which somebody worked."""
    return tuple(work for work in works if work.outcome in WORKED)


def billable(warranty_until: date | None, works: Iterable[VisitWork], finished_on: date) -> Billable:
    """Say whether a repair is billed; the last day of the warranty still counts as warranty."""
    if not worked(works):
        return Billable(False, "no_work")
    if warranty_until is not None and finished_on <= warranty_until:
        return Billable(False, "warranty")
    return Billable(True, "out_of_warranty")


def half_hours(minutes: int) -> int:
    """Started half hours: 1 minute is one, 30 are one, 31 are two."""
    return -(-max(minutes, 0) // 30)


def split_vat(gross_minor: int) -> tuple[int, int]:
    """Split a price with 10 % VAT inside into net and tax; tax is rounded down, so no won is lost."""
    tax = gross_minor // 11
    return gross_minor - tax, tax


def lines(works: Iterable[VisitWork], prices: Prices) -> tuple[Line, ...]:
    """Price the visits: call-outs, started half hours of each visit, then every part by name."""
    done = worked(works)
    hours = sum(half_hours(work.labour_minutes) for work in done)
    priced = [_named(LineKind.CALL_OUT, len(done), prices.call_out_minor)]
    priced.append(_named(LineKind.LABOUR, hours, prices.labour_minor))
    parts: dict[tuple[str, int], UsedPart] = {}
    quantities: dict[tuple[str, int], int] = {}
    for part in (part for work in done for part in work.parts):
        key = (part.part_id, part.unit_minor)
        parts[key] = part
        quantities[key] = quantities.get(key, 0) + part.quantity
    for key, part in parts.items():
        names = (part.name_ko, part.name_en)
        priced.append(_line(LineKind.PART, names, quantities[key], part.unit_minor))
    return tuple(line for line in priced if line.quantity)


def _named(kind: LineKind, quantity: int, unit_minor: int) -> Line:
    return _line(kind, NAMES[kind], quantity, unit_minor)


def _line(kind: LineKind, names: tuple[str, str], quantity: int, unit_minor: int) -> Line:
    gross = quantity * unit_minor
    net, tax = split_vat(gross)
    return Line(kind, *names, quantity, unit_minor, gross, net, tax)


def agreed(priced: Iterable[PricedLine]) -> tuple[Line, ...]:
    """Lines whose prices stand in an order or a change. Where the quantity does not divide the amount to
    the won (a discount on the whole), the line is one piece whose name says how many it holds."""
    return tuple(_agreed(line) for line in priced)


def _agreed(line: PricedLine) -> Line:
    names, quantity = (line.name_ko, line.name_en), line.quantity
    if quantity < 1 or line.gross_minor % quantity:
        names, quantity = (f"{line.name_ko} × {quantity}", f"{line.name_en} × {quantity}"), 1
    unit = line.gross_minor // quantity
    return Line(
        line.kind, *names, quantity, unit, line.gross_minor, line.net_minor, line.tax_minor, line.tax_rule
    )


def credited(invoice: Totals, before: Totals, gross_minor: int) -> tuple[int, int]:
    """Split what a credit note takes back into net and tax, tax rounded down; the note that takes the last
    won of an invoice takes what is left of both, so that nothing stays behind."""
    if gross_minor == invoice.total_minor - before.total_minor:
        return invoice.net_minor - before.net_minor, invoice.tax_minor - before.tax_minor
    tax = min(gross_minor // 11, invoice.tax_minor - before.tax_minor)
    return gross_minor - tax, tax


def totals(priced: Iterable[Line]) -> Totals:
    """Add up an invoice; tax was rounded once per line, so the lines add up to the won."""
    rows = tuple(priced)
    return Totals(sum(row.net_minor for row in rows), sum(row.tax_minor for row in rows))


def allocate(amount_minor: int, open_minor: int) -> tuple[int, int]:
    """Split money that came in: what settles the invoice, and what nobody claims (suspense)."""
    settles = min(amount_minor, max(open_minor, 0))
    return settles, amount_minor - settles


def issue_postings(sums: Totals) -> tuple[Entry, ...]:
    """The customer owes us; we owe the VAT."""
    return _sides(
        (LedgerAccount.RECEIVABLE, sums.total_minor),
        (LedgerAccount.REVENUE, -sums.net_minor),
        (LedgerAccount.VAT, -sums.tax_minor),
    )


def cancel_postings(sums: Totals, open_minor: int) -> tuple[Entry, ...]:
    """Take the issue back; what was already paid of it belongs to nobody now."""
    return _sides(
        (LedgerAccount.RECEIVABLE, -open_minor),
        (LedgerAccount.SUSPENSE, -(sums.total_minor - open_minor)),
        (LedgerAccount.REVENUE, sums.net_minor),
        (LedgerAccount.VAT, sums.tax_minor),
    )


def holder(provider: str) -> LedgerAccount:
    """Where money of an attempt lies: at the bank when it came by file, else at the gateway."""
    return LedgerAccount.BANK if provider in ("bank", "suspense") else LedgerAccount.GATEWAY


def payment_postings(
    amount_minor: int, open_minor: int, at: LedgerAccount = LedgerAccount.GATEWAY
) -> tuple[Entry, ...]:
    """Somebody holds money for us; it settles the open balance, the rest waits in suspense."""
    settles, rest = allocate(amount_minor, open_minor)
    return _sides(
        (at, amount_minor),
        (LedgerAccount.RECEIVABLE, -settles),
        (LedgerAccount.SUSPENSE, -rest),
    )


def refund_postings(amount_minor: int, at: LedgerAccount = LedgerAccount.GATEWAY) -> tuple[Entry, ...]:
    """Money out of suspense goes back through whoever holds it."""
    return _sides((LedgerAccount.SUSPENSE, amount_minor), (at, -amount_minor))


def credit_postings(sums: Totals) -> tuple[Entry, ...]:
    """A credit note: less revenue, less VAT, and now we owe the customer."""
    return _sides(
        (LedgerAccount.REVENUE, sums.net_minor),
        (LedgerAccount.VAT, sums.tax_minor),
        (LedgerAccount.RECEIVABLE, -sums.total_minor),
    )


def given_back_postings(amount_minor: int, at: LedgerAccount = LedgerAccount.GATEWAY) -> tuple[Entry, ...]:
    """What a credit note owes goes back through whoever holds the money."""
    return _sides((LedgerAccount.RECEIVABLE, amount_minor), (at, -amount_minor))


def kept_postings(amount_minor: int) -> tuple[Entry, ...]:
    """What a credit note owes stays on the customer's account, for the next bills."""
    return _sides((LedgerAccount.RECEIVABLE, amount_minor), (LedgerAccount.SUSPENSE, -amount_minor))


def write_off_postings(open_minor: int) -> tuple[Entry, ...]:
    """What is open of an invoice is lost; its VAT was owed with the issue and stays owed."""
    return _sides((LedgerAccount.BAD_DEBT, open_minor), (LedgerAccount.RECEIVABLE, -open_minor))


def _sides(*amounts: tuple[LedgerAccount, int]) -> tuple[Entry, ...]:
    """Positive is debit, negative is credit, nothing is no entry."""
    return tuple(
        Entry(account, debit_minor=max(amount, 0), credit_minor=max(-amount, 0))
        for account, amount in amounts
        if amount
    )


def on_day(at: datetime) -> date:
    """The business day of a moment, Asia/Seoul."""
    return at.astimezone(SEOUL).date()


def due_at(at: datetime, days: int) -> datetime:
    """The last second of the last day on which an invoice may be paid, Asia/Seoul."""
    return datetime.combine(on_day(at) + timedelta(days=days), time(23, 59, 59), SEOUL)


def payment_wait(issued: Issued, ticket_id: str, since: datetime, until: datetime, then: str) -> Wait:
    """We wait for the customer's money until the next deadline."""
    return Wait(
        key="payment",
        subject=f"invoice:{issued.invoice_id}",
        ticket_id=ticket_id,
        who=WaitFor.CUSTOMER,
        what="payment",
        since=since,
        until=until,
        then=then,
        may=("pay", "cancel"),
        details={"total": shown(issued.total_minor, issued.currency), "number": issued.number},
    )


def withdrawal_wait(invoice_id: str, since: datetime) -> Wait:
    """We wait until a payment under way is certain, before the invoice is taken back."""
    return Wait(
        key="withdrawal",
        subject=f"invoice:{invoice_id}",
        ticket_id="",
        who=WaitFor.SYSTEM,
        what="withdrawal",
        since=since,
        until=since + TRY_AGAIN,
        then="withdraw",
    )


def suspense_wait(asked: SettleInvoice, amount: str) -> Wait:
    """We wait for finance to give back what nobody owes."""
    return Wait(
        key=f"suspense:{asked.payment.attempt_id}",
        subject=f"invoice:{asked.invoice_id}",
        ticket_id=asked.ticket_id,
        who=WaitFor.US,
        what="suspense",
        since=asked.at,
        may=("clear_suspense",),
        details={"amount": amount, "attempt": asked.payment.attempt_id},
    )
