"""What a dunning case does to our rows: looked at, taken one step further, told, ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.dunning.reading import Owed, chargeable, devices, outlook
from activities.dunning.sweep import Sweeping
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.dunning import DunningCase, DunningHold, DunningStep, PromiseToPay
from models.kit.ids import ticket_id
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.dunning import (
    CaseStatus,
    CaseStep,
    HoldStatus,
    LookAgain,
    Outlook,
    OwedInvoice,
    PromiseStatus,
    StepKind,
    StepStatus,
    Taken,
    dunning_workflow_id,
)
from models.messages.journeys import WaitNotes
from models.rules import dunning as rules
from models.staff import Account

MONEY = frozenset({StepKind.RETRY, StepKind.WRITE_OFF})


@dataclass
class DunningActivities(Sweeping):
    """Everything that writes dunning cases after their birth; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="dunning.look")
    async def look(self, asked: LookAgain) -> Outlook:
        """Read how the case stands, write that and the wait for what comes next. Safe to repeat: it says
        where things stand, not by how much they moved."""
        async with transaction(self.engine) as session:
            case = await _locked(session, asked.order.case_id)
            found, _ = await outlook(session, case, asked.order, asked.at)
            await _show(session, case, asked, found)
            return found

    @activity.defn(name="dunning.take")
    async def take(self, asked: LookAgain) -> Taken:
        """Take the step that is due: one row, once per case, and everything that carries it out. What is
        not due any more (money came, a promise, a holiday, the night) is not taken.

        Safe to repeat: a step that has its row is read back."""
        async with transaction(self.engine) as session:
            case = await _locked(session, asked.order.case_id)
            found, owed = await outlook(session, case, asked.order, asked.at)
            before = await session.get(DunningStep, (case.id, asked.position))
            is_due = found.position == asked.position and found.rest is None and found.act_at is not None
            if before is None and not (is_due and found.act_at <= asked.at):  # type: ignore[operator]
                await _show(session, case, asked, found)
                return Taken(found)
            taken = await self._carry_out(session, case, asked, owed, before)
            if before is None:
                await _write_step(session, case, asked, found, taken)
            after, _ = await outlook(session, case, asked.order, asked.at)
            await _show(session, case, asked, after)
            return Taken(after, True, taken.invoices, taken.method_id, taken.ticket_id, taken.devices)

    @activity.defn(name="dunning.record")
    async def record(self, step: CaseStep) -> None:
        """Write what was said or has happened: row, promise or hold, timeline, waits. Safe to repeat: a
        number that is not newer than the row's changes nothing."""
        async with transaction(self.engine) as session:
            case = await _locked(session, step.case_id)
            if case.seq >= step.seq:
                return
            case.seq = step.seq
            await _keep(session, case, step)
            if step.status is not CaseStatus.OPEN and case.status is CaseStatus.OPEN:
                _end(case, step)
            if step.resumed_at is not None:
                case.resumed_at = case.resumed_at or step.resumed_at
            await _tell(session, case, step)

    async def _carry_out(
        self, session: AsyncSession, case: DunningCase, asked: LookAgain, owed: list[Owed],
        before: DunningStep | None,
    ) -> Taken:  # fmt: skip
        """What the step needs, by its kind."""
        kind = asked.order.terms.steps[asked.position].kind
        plain = tuple(OwedInvoice(one.id, one.open_minor, one.ticket_id) for one in owed)
        nothing = Outlook(case.status, case.seq, 0)
        if kind is StepKind.RETRY:
            method, invoices = await chargeable(session, case.customer_id, owed, asked.at)
            return Taken(nothing, True, invoices, method)
        if kind is StepKind.CALL:
            known = before.ticket_id if before else ""
            ticket = known or ticket_id(
                int(await session.scalar(select(func.nextval("ticket_numbers"))) or 0)
            )
            return Taken(nothing, True, plain, ticket_id=ticket)
        if kind is StepKind.RETRIEVE:
            return Taken(nothing, True, plain, devices=await devices(session, case))
        return Taken(nothing, True, plain)


async def _locked(session: AsyncSession, case_id: str) -> DunningCase:
    query = select(DunningCase).where(col(DunningCase.id) == case_id).with_for_update()
    return (await session.scalars(query)).one()


async def _show(session: AsyncSession, case: DunningCase, asked: LookAgain, found: Outlook) -> None:
    """Row, wait and live signal say what comes next."""
    case.overdue_minor = found.overdue_minor
    case.next_step = found.position if found.position >= 0 else None
    case.next_kind, case.next_at = found.kind, found.rest_until if found.rest else found.act_at
    case.stage = found.rest.value if found.rest else await _stage(session, case.id)
    if case.status is CaseStatus.OPEN and found.overdue_minor > 0:
        wait = rules.wait_of(asked.order, found, asked.at)
        await write_waits(session, dunning_workflow_id(case.id), WaitNotes(opened=(wait,)))
    await _live(session, case)


async def _stage(session: AsyncSession, case_id: str) -> str:
    """The last step that was really taken."""
    query = select(DunningStep.kind).where(  # type: ignore[call-overload]
        col(DunningStep.case_id) == case_id, col(DunningStep.status) == StepStatus.DONE
    )
    kind = await session.scalar(query.order_by(col(DunningStep.position).desc()).limit(1))
    return StepKind(kind).value if kind else "opened"


async def _write_step(
    session: AsyncSession, case: DunningCase, asked: LookAgain, found: Outlook, taken: Taken
) -> None:
    step = asked.order.terms.steps[asked.position]
    references = [one.attempt_id for one in taken.invoices if one.attempt_id]
    references += taken.devices
    is_idle = (step.kind is StepKind.RETRY and not references) or (
        step.kind is StepKind.RETRIEVE and not taken.devices
    )
    row = {
        "case_id": case.id, "position": asked.position, "kind": step.kind,
        "status": StepStatus.SKIPPED if is_idle else StepStatus.DONE, "due_at": found.act_at or asked.at,
        "at": asked.at, "overdue_minor": found.overdue_minor, "ticket_id": taken.ticket_id,
        "letter_key": f"{dunning_workflow_id(case.id)}:{asked.position}",
        "reference": " ".join(references), "reason": "nothing_to_do" if is_idle else "",
    }  # fmt: skip
    await session.execute(insert(DunningStep).values(row))
    case.seq = max(case.seq, asked.seq)
    if step.kind is StepKind.SUSPEND:
        case.suspended_at = case.suspended_at or asked.at
    details = {
        "amount": shown(found.overdue_minor, case.currency), "ticket_id": taken.ticket_id,
        "step": step.kind.value,
    }  # fmt: skip
    sentence = "dunning.nothing_to_do" if is_idle else f"dunning.{step.kind.value}"
    await _entry(session, case, f"step:{asked.position}", sentence, asked.at, details)


async def _keep(session: AsyncSession, case: DunningCase, step: CaseStep) -> None:
    """Promises, holds and left-out steps that come or go with this one."""
    if step.promise is not None:
        row = {
            "id": step.promise.id, "case_id": case.id, "customer_id": case.customer_id,
            "amount_minor": max(case.overdue_minor, 1), "pay_on": step.promise.pay_on,
            "status": PromiseStatus.OPEN, "made_by": step.promise.made_by, "created_at": step.at,
        }  # fmt: skip
        await session.execute(insert(PromiseToPay).values(row))
    if step.hold is not None:
        row = {
            "id": step.hold.id, "case_id": case.id, "customer_id": case.customer_id,
            "kind": step.hold.kind, "invoice_id": step.hold.invoice_id or None, "reason": step.hold.reason,
            "until_on": step.hold.until_on, "status": HoldStatus.OPEN, "made_by": step.hold.made_by,
            "outcome": "", "created_at": step.at,
        }  # fmt: skip
        await session.execute(insert(DunningHold).values(row))
    if step.promise_ends is not None:
        await _end_promise(session, case.id, step.promise_ends, step.at)
    if step.hold_ends is not None:
        mine = col(DunningHold.case_id) == case.id, col(DunningHold.kind) == step.hold_ends
        await _end_holds(session, *mine, outcome=step.outcome, at=step.at)
    if step.skips >= 0:
        row = {
            "case_id": case.id, "position": step.skips, "kind": StepKind(step.details["step"]),
            "status": StepStatus.SKIPPED, "due_at": step.at, "at": step.at, "letter_key": "",
            "overdue_minor": case.overdue_minor, "ticket_id": "", "reference": "", "reason": "by_hand",
        }  # fmt: skip
        await session.execute(insert(DunningStep).values(row))
    if step.status is not CaseStatus.OPEN:
        await _end_promise(session, case.id, rules.ended_promise(case.overdue_minor), step.at)
        await _end_holds(session, col(DunningHold.case_id) == case.id, outcome="case_over", at=step.at)


async def _end_promise(session: AsyncSession, case_id: str, status: PromiseStatus, at: datetime) -> None:
    mine = col(PromiseToPay.case_id) == case_id, col(PromiseToPay.status) == PromiseStatus.OPEN
    await session.execute(update(PromiseToPay).where(*mine).values(status=status, decided_at=at))


async def _end_holds(session: AsyncSession, *mine: object, outcome: str, at: datetime) -> None:
    is_open = col(DunningHold.status) == HoldStatus.OPEN
    over = update(DunningHold).where(is_open, *mine)  # type: ignore[arg-type]
    await session.execute(over.values(status=HoldStatus.OVER, outcome=outcome, ended_at=at))


def _end(case: DunningCase, step: CaseStep) -> None:
    case.status, case.ended_at = step.status, step.at
    case.stage, case.next_step, case.next_kind, case.next_at = step.status.value, None, None, None
    if step.status is CaseStatus.PAID:
        case.paid_at = step.at


async def _tell(session: AsyncSession, case: DunningCase, step: CaseStep) -> None:
    details = dict(step.details)
    if step.actor_kind == "staff" and step.actor_id:
        account = await session.get(Account, step.actor_id)
        details["actor"] = account.name if account is not None else ""
    await _entry(
        session, case, str(step.seq), step.sentence, step.at, details,
        actor=(step.actor_kind, step.actor_id or None), is_public=step.is_public,
    )  # fmt: skip
    await write_waits(session, dunning_workflow_id(case.id), step.waits)
    await _live(session, case)


async def _entry(
    session: AsyncSession, case: DunningCase, key: str, sentence: str, at: datetime,
    details: dict[str, str], *, actor: tuple[str, str | None] = ("system", None), is_public: bool = False,
) -> None:  # fmt: skip
    subject = dunning_workflow_id(case.id)
    await write_entry(
        session, key=f"{subject}/{key}", subject=subject, ticket_id=None, case_id=case.id,
        customer_id=case.customer_id, at=at, sentence=sentence, kind=EntryKind.MONEY, details=details,
        actor_kind=actor[0], actor_id=actor[1], is_public=is_public,
    )  # fmt: skip


async def _live(session: AsyncSession, case: DunningCase) -> None:
    await tell_live(session, "dunning", f"dunning_case:{case.id}", f"customer:{case.customer_id}")
