"""What a customer paid in the last months, and the tier that the rule makes of it. The rule is data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import func, insert, select, text, update
from sqlmodel import col
from starlette.responses import Response

from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS, AGENTS, STAFF
from api.kit.texts import Count, Key
from models.billing import Invoice
from models.customers import Customer, TierRule
from models.kit.refusals import Refusal
from models.messages.customers import Tier
from models.payments import Allocation
from models.rules.customers import TierStep, tier_by


@dataclass(frozen=True)
class Value:
    """What was paid, over how many months, and what the rule of this version says to it."""

    paid_minor: int = 0
    months: int = 0
    tier: Tier = Tier.STANDARD
    version: int = 0
    steps: tuple[TierStep, ...] = ()


@dataclass(frozen=True)
class TiersPage:
    """The rule that counts, and who may change it."""

    version: int
    made_at: datetime | None
    steps: tuple[TierStep, ...]
    may_change: bool
    months: int
    silver_minor: int
    gold_minor: int


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


class NewRule(Input):
    """What must have been paid in so many months."""

    months: Annotated[Count, BeforeValidator(_whole)]
    silver_minor: Annotated[Count, BeforeValidator(_whole)]
    gold_minor: Annotated[Count, BeforeValidator(_whole)]


async def rules_of(desk: DeskAt) -> list[TierRule]:
    """The newest version of the rule, the lowest tier first."""
    newest = select(func.max(col(TierRule.version))).scalar_subquery()
    query = desk.visible(TierRule).where(col(TierRule.version) == newest)
    return list(await desk.session.scalars(query.order_by(col(TierRule.paid_minor))))


async def paid_by(desk: DeskAt, customer_id: str, months: Iterable[int]) -> dict[int, int]:
    """What the customer paid in each of these numbers of months, in one query."""
    every = sorted(set(months))
    since = [func.now() - text(f"interval '{int(one)} months'") for one in every]
    sums = [
        func.coalesce(func.sum(col(Allocation.amount_minor)).filter(col(Allocation.at) >= one), 0)
        for one in since
    ]
    if not sums:
        return {}
    query = (
        desk.visible(Allocation)
        .with_only_columns(*sums)
        .join(Invoice, col(Invoice.id) == col(Allocation.invoice_id))
        .where(col(Invoice.customer_id) == customer_id)
    )
    return dict(zip(every, map(int, (await desk.session.execute(query)).one()), strict=True))


async def value_of(desk: DeskAt, customer_id: str) -> Value:
    """What the rule says about this customer, from what the person may see of their payments."""
    rules = await rules_of(desk)
    if not rules:
        return Value()
    steps = tuple(TierStep(rule.tier, rule.paid_minor, rule.months) for rule in rules)
    paid = await paid_by(desk, customer_id, (step.months for step in steps))
    longest = max(paid)
    return Value(paid[longest], longest, tier_by(steps, paid), rules[0].version, steps)


@router.post("/customers/{customer_id}/tier", may=AGENTS, row="customer")
async def follow_rule(request: Request, desk: Desk, customer_id: Key) -> Response:
    """Give the customer the tier that the rule says."""
    await desk.one(Customer, customer_id)
    value = await value_of(desk, customer_id)
    if not value.version:
        raise Refusal("try_again_later")
    change = update(Customer).where(col(Customer.id) == customer_id, col(Customer.tier) != value.tier)
    values = {"tier": value.tier, "version": Customer.version + 1}
    await desk.session.execute(change.values(values).execution_options(synchronize_session=False))
    await tell_live(desk, customer_id)
    await desk.commit()
    return move_on(request, f"/customers/{customer_id}", data={"tier": value.tier})


async def tell_live(desk: DeskAt, customer_id: str) -> None:
    """Signal open pages of this customer, after the commit, that something changed."""
    await desk.session.execute(select(func.pg_notify("ieum_live", f"customer:{customer_id}")))


@router.get("/customers/tiers", may=STAFF)
async def tiers(request: Request, desk: Desk) -> Response:
    """Show the rule of the tiers."""
    return answer(request, "customers/tiers.html", await tiers_page(desk))


async def tiers_page(desk: DeskAt) -> TiersPage:
    """Read the rule that counts."""
    rules = await rules_of(desk)
    steps = tuple(TierStep(rule.tier, rule.paid_minor, rule.months) for rule in rules)
    least = {step.tier: step.paid_minor for step in steps}
    first = rules[0] if rules else None
    return TiersPage(
        first.version if first else 0, first.made_at if first else None, steps,
        bool(ADMINS & desk.person.roles), max((step.months for step in steps), default=12),
        least.get(Tier.SILVER, 0), least.get(Tier.GOLD, 0),
    )  # fmt: skip


@router.post("/customers/tiers", may=ADMINS)
async def change_rule(request: Request, desk: Desk, sent: Typed[NewRule] = typed(NewRule)) -> Response:
    """A new version of the rule; tiers that were given stay until somebody follows it."""
    page, wish = await tiers_page(desk), sent.value
    form = sent.form
    if wish is not None and wish.months not in range(1, 61):
        form, wish = sent.wrong("months", _("Between 1 and 60 months.")), None
    if wish is not None and not 0 < wish.silver_minor < wish.gold_minor < 10**15:
        form, wish = (
            sent.wrong("gold_minor", _("Gold must need more than silver, and both more than nothing.")),
            None,
        )
    if wish is None:
        return answer(request, "customers/tiers.html", page, block="tier_rule", form=form, status=422)
    every = ((Tier.SILVER, wish.silver_minor), (Tier.GOLD, wish.gold_minor))
    rows = [
        {"version": page.version + 1, "tier": tier, "paid_minor": paid, "months": wish.months,
         "made_by": desk.person.id, "made_at": datetime.now(UTC)}
        for tier, paid in every
    ]  # fmt: skip
    await desk.session.execute(insert(TierRule).values(rows).inline())
    await desk.commit()
    return move_on(request, "/customers/tiers", data={"version": page.version + 1})
