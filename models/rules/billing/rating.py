"""What contracts owe on a day, and what of it stands on a bill. VAT included, whole won."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.messages.billing.invoices import PricedLine
from models.messages.subscriptions import MoneyLine
from models.rules.billing.invoices import Line, agreed
from models.rules.subscriptions.charges import due, invoiced, signed_tax
from models.rules.subscriptions.periods import Contract, next_bill


@dataclass(frozen=True)
class Rated:
    """What a contract owes on a day and how it stands afterwards; alike contracts are rated once."""

    lines: tuple[MoneyLine, ...]
    billed_until: date
    next_bill_on: date | None
    steps: int  # how far its state moved


def rate(contract: Contract, day: date, hold_on: date | None = None) -> Rated:
    """The regular rent that is due on a day, by the one rating function of the house."""
    lines, after = due(contract, day, hold_on)
    return Rated(lines, after.billed_until, next_bill(after), after.seq - contract.seq)


def metered_until(contract: Contract, rated: Rated, day: date) -> date:
    """The first day whose usage is not on this bill: of a period that has ended, or of the past."""
    return min(rated.billed_until if not contract.terms.in_advance else contract.billed_until, day)


def on_a_bill(lines: Sequence[MoneyLine], customer_id: str) -> tuple[Line, ...]:
    """How charges of changes stand on a bill: each line is split by its own rule, and with a credit among
    them they become one line, the difference; nothing when nothing is left to pay."""
    if sum(one.gross_minor for one in lines) <= 0:
        return ()
    return agreed(_split(one) for one in invoiced(lines, customer_id))


def _split(line: PricedLine) -> PricedLine:
    net, tax = signed_tax(line.tax_rule, line.gross_minor)
    return replace(line, net_minor=net, tax_minor=tax)
