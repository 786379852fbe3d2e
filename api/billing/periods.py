"""The months of the books: finance begins a close, accepts, has it looked at again, reopens."""

from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.billing.months import listed, period_page
from api.billing.routing import router
from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.texts import Key, Line
from models.billing import AccountingPeriod
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.billing.close import (
    Check,
    CloseCommand,
    CloseOrder,
    PeriodStatus,
    close_workflow_id,
)
from models.rules.billing.close import month_named
from models.rules.billing.invoices import on_day


class Closing(Input):
    """Which month shall be closed."""

    month: Line


class Asking(Input):
    """Look again, or close a reopened month again."""

    command_id: Key


class Accepting(Input):
    """What was found is accepted, and why."""

    command_id: Key
    check: Check
    reason: Line


class Reopening(Input):
    """Why a closed month is opened again."""

    command_id: Key
    reason: Line


@router.get("/billing/periods", may=FINANCE)
async def months(request: Request, desk: Desk) -> Response:
    """List the months with postings, the newest first."""
    return answer(request, "billing/periods.html", await listed(desk))


@router.post("/billing/periods", may=FINANCE)
async def begin_close(request: Request, desk: Desk, sent: Typed[Closing] = typed(Closing)) -> Response:
    """Finance begins to close a month that is over: one row and one start, asked twice it is the same."""
    month = month_named(sent.value.month) if sent.value else None
    if month is None:
        raise Refusal("invalid_form")
    if month.until_on > on_day(datetime.now(UTC)):
        raise Refusal("month_not_over")
    row = {
        "id": month.id, "from_on": month.from_on, "until_on": month.until_on, "status": PeriodStatus.OPEN,
        "round": 1, "locked_id": 0, "asked_by": desk.person.id, "created_at": datetime.now(UTC),
        "reopen_asked_by": "", "reopen_reason": "", "seq": 0,
    }  # fmt: skip
    made = insert(AccountingPeriod).values(row).on_conflict_do_nothing().returning(col(AccountingPeriod.id))
    if (await desk.session.execute(made)).first() is None:
        raise Refusal("close_under_way")
    order = CloseOrder(month.id, desk.person.id)
    summary = f"Close the books of {month.id}"
    await announce_start(desk.session, "Close", close_workflow_id(month.id), order, summary=summary)
    await desk.session.commit()
    return move_on(request, f"/billing/periods/{month.id}", data={"id": month.id}, status=201)


@router.get("/billing/periods/{period_id}", may=FINANCE, row="period")
async def month(request: Request, desk: Desk, period_id: Key) -> Response:
    """Show one month's close as it is right now."""
    period = await desk.one(AccountingPeriod, period_id)
    return answer(request, "billing/period.html", await period_page(desk, period))


@router.post("/billing/periods/{period_id}/second-look", may=FINANCE, row="period")
async def retry(
    request: Request, desk: Desk, period_id: Key, sent: Typed[Asking] = typed(Asking)
) -> Response:
    """Something was repaired: look again, or ask the ERP again."""
    return await _say(request, desk, period_id, "retry", sent.value)


@router.post("/billing/periods/{period_id}/close", may=FINANCE, row="period")
async def start(
    request: Request, desk: Desk, period_id: Key, sent: Typed[Asking] = typed(Asking)
) -> Response:
    """Close a reopened month again."""
    return await _say(request, desk, period_id, "start", sent.value)


@router.post("/billing/periods/{period_id}/acceptance", may=FINANCE, row="period")
async def accept(
    request: Request, desk: Desk, period_id: Key, sent: Typed[Accepting] = typed(Accepting)
) -> Response:
    """Accept what a check has found, with a reason that stays."""
    return await _say(request, desk, period_id, "accept", sent.value)


@router.post("/billing/periods/{period_id}/reopening", may=FINANCE, row="period")
async def reopen(
    request: Request, desk: Desk, period_id: Key, sent: Typed[Reopening] = typed(Reopening)
) -> Response:
    """Ask for a closed month to be reopened, or agree as the second person."""
    return await _say(request, desk, period_id, "reopen", sent.value)


async def _say(
    request: Request, desk: DeskAt, period_id: str, name: str, given: Accepting | Reopening | Asking | None
) -> Response:
    period = await desk.one(AccountingPeriod, period_id)
    if given is None:
        raise Refusal("reason_missing" if name in ("accept", "reopen") else "invalid_form")
    order = CloseCommand(
        given.command_id, desk.person.id, datetime.now(UTC), getattr(given, "reason", ""),
        getattr(given, "check", ""),
    )  # fmt: skip
    said: Answer = await command(desk.session, desk.client, close_workflow_id(period.id), name, order)
    return move_on(request, f"/billing/periods/{period.id}", data={"status": said.value})
