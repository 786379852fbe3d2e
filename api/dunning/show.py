"""One case: how it stands, what comes next and when, what was done, promised, disputed, and what is owed."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import select
from sqlmodel import col
from starlette.responses import Response

from api.dunning.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import Form, answer
from api.kit.routes import AGENTS, FINANCE
from api.kit.sentences import then_sentence, wait_sentence
from api.kit.texts import Key
from api.subscriptions.reading import Told, Waiting, story_of
from models.billing import Invoice
from models.customers import Customer
from models.dunning import DunningCase, DunningHold, DunningPolicy, DunningStep, PromiseToPay, WriteOff
from models.journeys import OpenWait
from models.kit.arrears import OWED, open_minor
from models.kit.records import from_record
from models.messages.billing.invoices import InvoiceStatus
from models.messages.dunning import (
    CaseStatus,
    HoldKind,
    HoldStatus,
    PolicyTerms,
    PromiseStatus,
    StepKind,
    StepStatus,
    dunning_workflow_id,
)
from models.messages.journeys import WaitFor
from models.messages.staff import Role
from models.subscriptions import Subscription, SubscriptionSuspension


@dataclass(frozen=True)
class Owed:
    """One invoice that is not paid, or that was given up."""

    id: str
    number: str
    status: InvoiceStatus
    due_at: datetime
    open_minor: int
    total_minor: int
    currency: str


@dataclass(frozen=True)
class Planned:
    """One step of the policy as this case meets it."""

    position: int
    days: int
    kind: StepKind
    minimum_minor: int
    letter: str
    status: StepStatus | None
    at: datetime | None
    overdue_minor: int | None
    ticket_id: str
    is_next: bool


@dataclass(frozen=True)
class Switched:
    """One contract that the case has switched off."""

    id: str
    off_at: datetime | None
    on_at: datetime | None


@dataclass(frozen=True)
class CasePage:
    """Everything about one case."""

    case: DunningCase
    customer: str
    steps: tuple[Planned, ...]
    invoices: tuple[Owed, ...]
    promises: tuple[PromiseToPay, ...]
    holds: tuple[DunningHold, ...]
    written_off_minor: int
    switched: tuple[Switched, ...]
    wait: Waiting | None
    story: tuple[Told, ...]
    is_finance: bool

    @property
    def is_open(self) -> bool:
        """Whether anything can still be said to it."""
        return self.case.status is CaseStatus.OPEN

    @property
    def has_promise(self) -> bool:
        """Whether a promised day is waited for."""
        return any(one.status is PromiseStatus.OPEN for one in self.promises)

    @property
    def resting(self) -> frozenset[HoldKind]:
        """What holds the case up."""
        return frozenset(one.kind for one in self.holds if one.status is HoldStatus.OPEN)


@router.get("/dunning/{case_id}", may=AGENTS | FINANCE, row="dunning_case")
async def show(request: Request, desk: Desk, case_id: Key) -> Response:
    """Show one case."""
    return await shown(request, desk, case_id)


@router.get("/dunning/{case_id}/handover", may=FINANCE, row="dunning_case")
async def hand_over(desk: Desk, case_id: Key) -> Response:
    """The file for the collection agency: ids, documents, amounts and what was done; nobody's name."""
    page = await case_page(desk, case_id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["case", "customer", "kind", "reference", "date", "amount", "currency"])
    base = [page.case.id, page.case.customer_id]
    for one in page.invoices:
        writer.writerow([*base, "invoice", one.number, one.due_at.date(), one.open_minor, one.currency])
    for step in page.steps:
        if step.at is not None:
            writer.writerow([*base, "step", step.kind.value, step.at.date(), step.overdue_minor, ""])
    headers = {"content-disposition": f'attachment; filename="handover-{page.case.id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def shown(
    request: Request, desk: DeskAt, case_id: str, form: Form | None = None, status: int = 200
) -> Response:
    """The page of a case, with a form that was filled in wrongly."""
    page = await case_page(desk, case_id)
    return answer(request, "dunning/show.html", page, form=form or Form(), status=status)


async def case_page(desk: DeskAt, case_id: str) -> CasePage:
    """Read one case for whoever asks."""
    case = await desk.one(DunningCase, case_id)
    named = desk.visible(Customer).with_only_columns(col(Customer.name))
    customer = await desk.session.scalar(named.where(col(Customer.id) == case.customer_id))
    promises = desk.visible(PromiseToPay).where(col(PromiseToPay.case_id) == case.id)
    holds = desk.visible(DunningHold).where(col(DunningHold.case_id) == case.id)
    lost = desk.visible(WriteOff).where(col(WriteOff.case_id) == case.id)
    gone = list(await desk.session.scalars(lost))
    return CasePage(
        case=case, customer=customer or "", steps=await steps_of(desk, case),
        invoices=await invoices_of(desk, case, [one.invoice_id for one in gone]),
        promises=tuple(await desk.session.scalars(promises.order_by(col(PromiseToPay.created_at)))),
        holds=tuple(await desk.session.scalars(holds.order_by(col(DunningHold.created_at)))),
        written_off_minor=sum(one.amount_minor for one in gone), switched=await switched_of(desk, case),
        wait=await wait_of(desk, case.id), story=await story_of(desk, dunning_workflow_id(case.id)),
        is_finance=bool(desk.person.roles & {Role.FINANCE, Role.ADMIN}),
    )  # fmt: skip


async def steps_of(desk: DeskAt, case: DunningCase) -> tuple[Planned, ...]:
    """The policy that the case keeps, with what was done of it."""
    policy = await desk.one(DunningPolicy, case.policy_version)
    query = desk.visible(DunningStep).where(col(DunningStep.case_id) == case.id)
    done = {one.position: one for one in await desk.session.scalars(query)}
    return tuple(
        Planned(
            position, step.days, step.kind, step.minimum_minor, step.letter,
            done[position].status if position in done else None,
            done[position].at if position in done else None,
            done[position].overdue_minor if position in done else None,
            done[position].ticket_id if position in done else "",
            case.status is CaseStatus.OPEN and case.next_step == position,
        )
        for position, step in enumerate(from_record(PolicyTerms, policy.terms).steps)
    )  # fmt: skip


async def invoices_of(desk: DeskAt, case: DunningCase, gone: list[str]) -> tuple[Owed, ...]:
    """What is overdue now, and what was written off."""
    late = col(Invoice.status).in_(OWED) & (col(Invoice.due_at) < datetime.now(UTC))
    query = (
        desk.visible(Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.status), col(Invoice.due_at), open_minor(),
            col(Invoice.total_minor), col(Invoice.currency),
        )
        .where(col(Invoice.customer_id) == case.customer_id, late | col(Invoice.id).in_(gone))
        .order_by(col(Invoice.due_at), col(Invoice.id)).limit(200)
    )  # fmt: skip
    return tuple(Owed(*row) for row in await desk.session.execute(query))


async def switched_of(desk: DeskAt, case: DunningCase) -> tuple[Switched, ...]:
    """Which contracts the case has switched off, and since when they run again."""
    seen = desk.visible(Subscription).with_only_columns(col(Subscription.id)).subquery()
    query = desk.visible(SubscriptionSuspension).where(
        col(SubscriptionSuspension.case_id) == case.id,
        col(SubscriptionSuspension.subscription_id).in_(select(seen.c.id)),
    )
    rows = await desk.session.scalars(query.order_by(col(SubscriptionSuspension.subscription_id)))
    return tuple(Switched(one.subscription_id, one.off_at, one.on_at) for one in rows)


async def wait_of(desk: DeskAt, case_id: str) -> Waiting | None:
    """What the case waits for now."""
    query = desk.visible(OpenWait).where(
        col(OpenWait.workflow_id) == dunning_workflow_id(case_id), col(OpenWait.ended_at).is_(None)
    )
    row = await desk.session.scalar(query.order_by(col(OpenWait.since)).limit(1))
    if row is None:
        return None
    text = wait_sentence(row.what, row.details)
    return Waiting(text, WaitFor(row.who), row.since, row.until, then_sentence(row.then))
