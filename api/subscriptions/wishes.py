"""Asking for a change: the wish, its exact money, and the change that is born of them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import SENTENCES, Input, Typed, check, typed
from api.kit.language import gettext as _
from api.kit.people import Kind
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, CUSTOMERS
from api.kit.texts import Count, Key, MaybeKey, MaybeLine, MaybePhone, Minor
from api.subscriptions.reading import Priced, contract_of, for_reader, name_of, plans_for, today
from api.subscriptions.routing import router
from api.subscriptions.show import kinds_of
from models.kit.ids import change_id
from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.kit.refusals import REFUSALS, Refusal
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.catalogue import PlanTerms
from models.messages.subscriptions import (
    ChangeKind,
    ChangeRequested,
    ChangeStatus,
    Preview,
    Wish,
    change_workflow_id,
)
from models.rules.subscriptions.periods import Contract
from models.rules.subscriptions.previews import period_end, preview, refusal
from models.subscriptions import SubscriptionChange

PLAN_KINDS = (ChangeKind.UPGRADE, ChangeKind.DOWNGRADE, ChangeKind.ADD_ON)
NEEDED = {ChangeKind.TRANSFER: "receiver", ChangeKind.MOVE: "address"}  # with the confirmation
OPEN = (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)


class Wishing(Input):
    """What somebody wants of a contract; enough to show what it costs, and nothing that an address bar
    should not hold."""

    kind: ChangeKind
    at_end: bool = False  # at the end of the running period instead of today
    plan_id: MaybeKey = None
    until_on: date | None = None
    add_on_id: MaybeKey = None


class Reached(Input):
    """A telephone number as somebody typed it."""

    phone: MaybePhone = None


class Confirming(Wishing):
    """The wish again, with the money that was shown: nothing else is ever charged."""

    receiver: MaybeLine = ""  # telephone or e-mail of whoever takes the contract over
    address: MaybeLine = ""
    request_key: Key
    shown_minor: Minor
    shown_seq: Count


@dataclass(frozen=True)
class WishPage:
    """The wish with its money, before anyone confirms."""

    subscription_id: str
    plan: str
    is_desk: bool
    kind: ChangeKind
    at_end: bool
    end_on: date
    kinds: tuple[ChangeKind, ...]
    plans: tuple[tuple[str, str], ...]
    add_ons: tuple[tuple[str, str], ...]
    shown: Preview | None
    lines: tuple[Priced, ...]
    why_not: str
    needs_more: bool  # a choice is still missing
    latest: date | None  # a pause ends at the latest on this day


@router.get("/subscriptions/{subscription_id}/changes", may=AGENTS | CUSTOMERS, row="subscription")
async def consider(request: Request, desk: Desk, subscription_id: Key) -> Response:
    """Show what a change would cost, to the won, and when it would take effect."""
    contract = await contract_of(desk, subscription_id)
    given = request.query_params  # an address may hold more, like its language
    asked = {name: given[name] for name in Wishing.model_fields if given.get(name, "") != ""}
    first = kinds_of(contract)[0] if contract.ends_on is None else ChangeKind.TERMINATION
    sent = check(Wishing, {"kind": first, **asked})
    if sent.value is None:
        page = await wish_page(desk, contract, Wishing(kind=first), is_asked=False)
        return answer(request, "subscriptions/new.html", page, form=sent.form, status=422)
    page = await wish_page(desk, contract, sent.value, is_asked=True)
    return answer(request, "subscriptions/new.html", page, form=sent.form)


@router.post("/subscriptions/{subscription_id}/changes", may=AGENTS | CUSTOMERS, row="subscription")
async def request_change(
    request: Request, desk: Desk, subscription_id: Key, sent: Typed[Confirming] = typed(Confirming)
) -> Response:
    """Confirm a change with exactly the money that was shown; money that moved meanwhile is shown anew."""
    contract = await contract_of(desk, subscription_id)
    if sent.value is None:
        page = await wish_page(desk, contract, Wishing(kind=kinds_of(contract)[0]), is_asked=False)
        return answer(request, "subscriptions/new.html", page, form=sent.form, status=422)
    asked = sent.value
    if (earlier := await earlier_change(desk, contract, asked.request_key)) is not None:
        return move_on(request, f"/subscriptions/changes/{earlier}", data={"change_id": earlier})
    if asked.add_on_id is not None and asked.add_on_id not in {one.id for one in contract.add_ons}:
        raise Refusal("not_found")
    await refuse_second(desk, contract)
    if (lacking := NEEDED.get(asked.kind)) and not getattr(asked, lacking):
        page = await wish_page(desk, contract, asked, is_asked=True)
        empty = SENTENCES["missing"]
        form = sent.wrong(lacking, _(empty))
        return answer(request, "subscriptions/new.html", page, form=form, status=422)
    wish = await wish_of(desk, contract, asked)
    if wish is None or (code := refusal(contract, wish, today())):
        raise Refusal(code if wish is not None else "change_plan")
    shown = preview(contract, wish, today())
    if (shown.total_minor, shown.contract_seq) != (asked.shown_minor, asked.shown_seq):
        page = await wish_page(desk, contract, asked, is_asked=True)
        ended = REFUSALS["preview_ended"][1]
        page = replace(page, why_not=_(ended))
        return answer(request, "subscriptions/new.html", page, form=sent.form, status=409)
    receiver = await receiver_of(desk, asked.receiver) if wish.kind is ChangeKind.TRANSFER else ""
    if receiver == contract.customer_id:
        raise Refusal("change_needs_no_holder")
    if wish.kind is ChangeKind.MOVE:
        wish = replace(wish, address=asked.address)
    number = await born(desk, contract, await numbered(desk, wish, receiver), asked.request_key)
    return move_on(request, f"/subscriptions/changes/{number}", data={"change_id": number}, status=201)


async def wish_page(desk: DeskAt, contract: Contract, asked: Wishing, *, is_asked: bool) -> WishPage:
    """The form, and below it the money as soon as everything is chosen."""
    plans = await plans_for(desk, contract)
    wish = await wish_of(desk, contract, asked) if is_asked else None
    code = refusal(contract, wish, today()) if wish is not None else ""
    shown = preview(contract, wish, today()) if wish is not None and not code else None
    return WishPage(
        subscription_id=contract.id, plan=name_of(contract.terms), is_desk=desk.person.kind is Kind.STAFF,
        kind=asked.kind, at_end=asked.at_end, end_on=end_of(contract), kinds=kinds_of(contract),
        plans=tuple((one.plan_id, name_of(one)) for one in plans if fits(contract, one, asked.kind)),
        add_ons=tuple((one.id, name_of(one.terms)) for one in contract.family[1:]),
        shown=shown, lines=_own_lines(desk, shown), why_not=_(REFUSALS[code][1]) if code else "",
        needs_more=wish is None, latest=today() + timedelta(days=90),
    )  # fmt: skip


def _own_lines(desk: DeskAt, shown: Preview | None) -> tuple[Priced, ...]:
    return for_reader(desk, shown.lines) if shown is not None else ()


def end_of(contract: Contract) -> date:
    """The first day after the running period."""
    return period_end(contract, max(today(), contract.starts_on))


def fits(contract: Contract, plan: PlanTerms, kind: ChangeKind) -> bool:
    """Whether a plan is a choice for this kind of change."""
    if kind is ChangeKind.ADD_ON:
        return plan.is_add_on and plan.plan_id not in [one.terms.plan_id for one in contract.family]
    if plan.is_add_on or plan.plan_id == contract.terms.plan_id:
        return False
    return plan.rank > contract.terms.rank if kind is ChangeKind.UPGRADE else plan.rank < contract.terms.rank


async def wish_of(desk: DeskAt, contract: Contract, asked: Wishing) -> Wish | None:
    """The wish as the rules know it; nothing while a choice is missing."""
    plans = {one.plan_id: one for one in await plans_for(desk, contract)}
    plan: PlanTerms | None = None
    if asked.kind in PLAN_KINDS:
        plan = plans.get(asked.plan_id or "")
    elif asked.kind is ChangeKind.RENEWAL:
        plan = plans.get(contract.terms.plan_id, contract.terms)
    lacks = {
        ChangeKind.PAUSE: asked.until_on is None,
        ChangeKind.DROP_ADD_ON: asked.add_on_id is None,
    }
    if lacks.get(asked.kind) or (asked.kind in PLAN_KINDS and plan is None):
        return None
    at_end = asked.at_end or asked.kind is ChangeKind.RENEWAL
    return Wish(
        asked.kind, end_of(contract) if at_end else max(today(), contract.starts_on), plan, asked.until_on,
        asked.add_on_id or "", new_id="new",
    )  # fmt: skip


async def earlier_change(desk: DeskAt, contract: Contract, key: str) -> str | None:
    """The change that this form has already made."""
    mine = desk.visible(SubscriptionChange).with_only_columns(col(SubscriptionChange.id))
    found: str | None = await desk.session.scalar(
        mine.where(
            col(SubscriptionChange.customer_id) == contract.customer_id,
            col(SubscriptionChange.submission_key) == key,
        )
    )
    return found


async def refuse_second(desk: DeskAt, contract: Contract) -> None:
    """One change at a time."""
    still = desk.visible(SubscriptionChange).where(
        col(SubscriptionChange.subscription_id) == contract.id, col(SubscriptionChange.status).in_(OPEN)
    )
    if await desk.session.scalar(still) is not None:
        raise Refusal("change_open")


async def receiver_of(desk: DeskAt, reached: str) -> str:
    """Whoever is reached there, looked for silently: whether somebody is our customer is not told."""
    email = reached.lower() if "@" in reached else ""
    typed_phone = check(Reached, {"phone": reached}) if not email else None
    phone = typed_phone.value.phone if typed_phone is not None and typed_phone.value else ""
    await desk.commit()
    await desk.take_in()
    found = await desk.session.scalar(select(func.intake_customer(phone or "", email)))
    await desk.commit()
    return str(found or "")


async def numbered(desk: DeskAt, wish: Wish, receiver: str) -> Wish:
    """The wish with the ids of what it will begin."""
    number = change_id(int(await desk.session.scalar(text("select nextval('change_numbers')")) or 0))
    return replace(wish, new_id=f"S{number}-1", receiver_id=receiver)


async def born(desk: DeskAt, contract: Contract, wish: Wish, key: str) -> str:
    """Row, story and announcement of a change, in one transaction."""
    number, now = wish.new_id[1:].removesuffix("-1"), datetime.now(UTC)
    shown = preview(contract, wish, today())
    row: dict[str, Any] = {
        "id": number, "submission_key": key, "subscription_id": contract.id,
        "customer_id": contract.customer_id, "asked_by": desk.person.id, "kind": wish.kind,
        "status": ChangeStatus.REQUESTED, "effective_on": wish.effective_on, "wish": to_record(wish),
        "preview": to_record(shown), "total_minor": shown.total_minor, "currency": shown.currency,
        "other_customer_id": wish.receiver_id or None, "reason": "", "created_at": now, "seq": 0,
    }  # fmt: skip
    made: Any = await desk.session.execute(
        insert(SubscriptionChange).values(row).on_conflict_do_nothing().inline(),
        execution_options={"preserve_rowcount": True},
    )
    if made.rowcount != 1:
        raise Refusal("change_open")
    is_desk = desk.person.kind is Kind.STAFF
    line = {
        "key": f"{change_workflow_id(number)}/0", "subject": change_workflow_id(number), "case_id": number,
        "customer_id": contract.customer_id, "at": now, "kind": EntryKind.STEP,
        "actor_kind": ActorKind.STAFF if is_desk else ActorKind.CUSTOMER, "actor_id": desk.person.account_id,
        "sentence": "subscriptions.requested", "details": {"change": wish.kind.value}, "is_public": True,
    }  # fmt: skip
    await desk.session.execute(insert(TimelineEntry).values(line).inline())
    order = ChangeRequested(
        number, contract.id, contract.customer_id, wish.kind, now, desk.person.id,
        "staff" if is_desk else "customer",
    )  # fmt: skip
    await announce_start(
        desk.session, "SubscriptionChange", change_workflow_id(number), order, summary=wish.kind.value
    )
    await desk.commit()
    return number
