"""The money lines of a contract: regular rent, days taken back or charged anew, fees. VAT included."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from models.kit.money import divide_half_up
from models.messages.billing.invoices import LineKind, PricedLine
from models.messages.subscriptions import ChargeKind, MoneyLine
from models.rules.catalogue import price_of, split_tax
from models.rules.subscriptions.periods import (
    Contract,
    Period,
    Stretch,
    monthly,
    moved,
    next_bill,
    parts,
    period_on,
)

MOVE_FEE_MINOR = 33_000  # one visit at the new address, VAT included; shown before anybody confirms
NAMES = {
    ChargeKind.RECURRING: ("{} 이용료", "{}"),
    ChargeKind.USAGE: ("{} 사용량 요금", "{}: usage"),
    ChargeKind.TERMINATION_FEE: ("{} 중도 해지 위약금", "{}: early termination fee"),
    ChargeKind.MOVE_FEE: ("{} 이전 설치비", "{}: moving the installation"),
}
TAKEN_BACK = ("{} 미사용 기간 환급", "{}: unused days given back")
CHARGED = ("{} 남은 기간 이용료", "{}: remaining days")
KINDS = {
    ChargeKind.RECURRING: LineKind.RECURRING,
    ChargeKind.PRORATION: LineKind.PRORATION,
    ChargeKind.SETUP: LineKind.SETUP,
    ChargeKind.TERMINATION_FEE: LineKind.FEE,
    ChargeKind.MOVE_FEE: LineKind.FEE,
    ChargeKind.USAGE: LineKind.USAGE,
}


def signed_tax(rule: str, gross_minor: int) -> tuple[int, int]:
    """Net and tax of an amount or a credit: a credit is split like the charge that it takes back."""
    net, tax = split_tax(rule, abs(gross_minor))
    return (net, tax) if gross_minor >= 0 else (-net, -tax)


def line(
    contract: Contract, kind: ChargeKind, names: tuple[str, str], stretch: Stretch, gross_minor: int
) -> MoneyLine:
    """One line about a contract; its tax is split by the rule that was signed."""
    terms = contract.terms
    net, tax = signed_tax(terms.tax_rule, gross_minor)
    return MoneyLine(
        kind, names[0].format(terms.name_ko), names[1].format(terms.name_en), gross_minor, net, tax,
        stretch.from_on, stretch.until_on, tax_rule=terms.tax_rule, subscription_id=contract.id,
        customer_id=contract.customer_id,
    )  # fmt: skip


def for_days(contract: Contract, stretch: Stretch, *, is_credit: bool = False) -> tuple[MoneyLine, ...]:
    """Charge or give back the running days of a stretch, one line for each period."""
    names, sign = (TAKEN_BACK, -1) if is_credit else (CHARGED, 1)
    return tuple(
        replace(
            line(contract, ChargeKind.PRORATION, names, part, sign * period.share(part)),
            basis=by_days(period, part),
            is_credit=is_credit,
        )
        for period, part in parts(contract, stretch)
    )


def by_days(period: Period, part: Stretch) -> str:
    """How a part was computed: its days of the period's days, and the period's price."""
    return f"{part.days}/{period.days} d × {period.price_minor}"


def rent(contract: Contract, until: date) -> tuple[tuple[MoneyLine, ...], Contract]:
    """The regular rent of the days not yet charged, up to a day, and the contract after it."""
    until = min(until, contract.end)
    if until <= contract.billed_until:
        return (), contract
    stretch = Stretch(contract.billed_until, until)
    lines = tuple(
        replace(
            line(contract, ChargeKind.RECURRING, NAMES[ChargeKind.RECURRING], part, period.share(part)),
            basis=by_days(period, part),
        )
        for period, part in parts(contract, stretch)
    )
    return lines, moved(contract, billed_until=until)


def due(
    contract: Contract, today: date, hold_on: date | None = None
) -> tuple[tuple[MoneyLine, ...], Contract]:
    """The rent that is due today: a period in advance on its first day, in arrears on the day after its last.

    Days from `hold_on` on belong to an open change and are charged once it has taken effect or is off."""
    lines: list[MoneyLine] = []
    while (day := next_bill(contract)) is not None and day <= today:
        until = period_on(contract, contract.billed_until).until_on
        stop = min(until, hold_on) if hold_on is not None else until
        made, after = rent(contract, stop)
        if after.billed_until == contract.billed_until:
            break
        lines += made
        contract = after
    return tuple(lines), contract


def usage(contract: Contract, quantity: int, stretch: Stretch) -> MoneyLine:
    """What was counted for a contract, priced by its tiers as they stand for one bill. What arrives late is
    counted with the bill after it."""
    whole = price_of(contract.terms.price, quantity)
    gross = divide_half_up(whole * (100 - contract.percent_off), 100)
    made = line(contract, ChargeKind.USAGE, NAMES[ChargeKind.USAGE], stretch, gross)
    meter = contract.terms.price.meter
    return replace(made, basis=f"{quantity} {meter}".strip())


def termination_fee(contract: Contract, on: date) -> MoneyLine | None:
    """R1: permille × monthly rent × (obligation days − used days) ÷ 30, rounded down, nothing once the
    obligation is over. A pause moves the obligation's end, so paused days are neither promised nor used."""
    if contract.obligation_until is None or on >= contract.obligation_until:
        return None
    left = (contract.obligation_until - on).days
    rate, rent_minor = contract.terms.early_permille, monthly(contract)
    fee = rate * rent_minor * left // 30_000
    names = NAMES[ChargeKind.TERMINATION_FEE]
    made = line(contract, ChargeKind.TERMINATION_FEE, names, Stretch(on, contract.obligation_until), fee)
    return replace(made, basis=f"{rate}‰ × {rent_minor} × {left} d ÷ 30") if fee else None


def move_fee(contract: Contract, on: date) -> MoneyLine:
    """What a visit at the new address costs."""
    names = NAMES[ChargeKind.MOVE_FEE]
    return line(contract, ChargeKind.MOVE_FEE, names, Stretch(on, on), MOVE_FEE_MINOR)


def documented(lines: Sequence[MoneyLine], customer_id: str) -> tuple[MoneyLine, ...]:
    """The lines of one side with taxes that add up to the tax of their sum, credits among them.

    Each tax is the step of the running total's tax; it differs from the line's own by at most one won."""
    running: dict[str, int] = {}
    made: list[MoneyLine] = []
    for one in lines:
        if one.customer_id != customer_id:
            made.append(one)
            continue
        before = running.get(one.tax_rule, 0)
        after = before + one.gross_minor
        running[one.tax_rule] = after
        tax = signed_tax(one.tax_rule, after)[1] - signed_tax(one.tax_rule, before)[1]
        made.append(replace(one, net_minor=one.gross_minor - tax, tax_minor=tax))
    return tuple(made)


def invoiced(lines: Iterable[MoneyLine], customer_id: str) -> tuple[PricedLine, ...]:
    """What an invoice says of one side's lines. Invoices hold no credits: with one among them, the
    lines become one, the difference."""
    own = [one for one in lines if one.customer_id == customer_id and one.gross_minor]
    if all(one.gross_minor > 0 for one in own):
        return tuple(
            PricedLine(KINDS[one.kind], one.name_ko, one.name_en, 1, one.gross_minor, one.net_minor,
                       one.tax_minor, one.tax_rule)
            for one in own
        )  # fmt: skip
    last = [one for one in own if one.gross_minor > 0][-1]
    return (
        PricedLine(
            KINDS[last.kind],
            f"{last.name_ko} (환급 차감 후)",
            f"{last.name_en} (less what is given back)",
            1,
            sum(one.gross_minor for one in own),
            sum(one.net_minor for one in own),
            sum(one.tax_minor for one in own),
            last.tax_rule,
        ),
    )
