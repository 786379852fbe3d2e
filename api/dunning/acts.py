"""What the desk and finance say to a case: promised, disputed, decided, held, left out, written off."""

from datetime import UTC, date, datetime

from fastapi import Request
from starlette.responses import Response

from api.dunning.routing import router
from api.dunning.show import shown
from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.people import Kind
from api.kit.rendering import move_on
from api.kit.routes import AGENTS, FINANCE
from api.kit.texts import Count, Key, Line, MaybeKey, MaybeLine
from models.billing import Invoice
from models.dunning import DunningCase
from models.kit.refusals import Refusal
from models.messages.dunning import (
    CaseStatus,
    Dispute,
    DunningCommand,
    Hold,
    Promise,
    Resolution,
    Skip,
    dunning_workflow_id,
)


class Promising(Input):
    """Until which day everything will be paid."""

    command_id: Key
    pay_on: date


class Disputing(Input):
    """What is disputed, and why."""

    command_id: Key
    reason: Line
    invoice_id: MaybeKey = None


class Resolving(Input):
    """How a dispute was decided."""

    command_id: Key
    is_upheld: bool
    reason: MaybeLine = ""


class Holding(Input):
    """Until when the case rests, and why."""

    command_id: Key
    until_on: date
    reason: Line


class Leaving(Input):
    """Which step is left out."""

    command_id: Key
    position: Count


class Saying(Input):
    """One press of a button."""

    command_id: Key


class Ending(Input):
    """Why the money is given up."""

    command_id: Key
    reason: Line


DESK = AGENTS | FINANCE


@router.post("/dunning/{case_id}/promise", may=DESK, row="dunning_case")
async def promise(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Promising] = typed(Promising)
) -> Response:
    """Write down that the customer promised a day."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    given = sent.value
    who, at, kind = said_by(desk)
    order = Promise(given.command_id, who, at, kind, pay_on=given.pay_on)
    return await say(request, desk, case_id, "promise", order)


@router.post("/dunning/{case_id}/dispute", may=DESK, row="dunning_case")
async def dispute(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Disputing] = typed(Disputing)
) -> Response:
    """Write down what the customer disputes; the case rests."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    given = sent.value
    case = await desk.one(DunningCase, case_id)
    if given.invoice_id is not None:
        invoice = await desk.one(Invoice, given.invoice_id)
        if invoice.customer_id != case.customer_id:
            raise Refusal("not_found")
    who, at, kind = said_by(desk)
    order = Dispute(given.command_id, who, at, kind, given.reason, invoice_id=given.invoice_id or "")
    return await say(request, desk, case_id, "dispute", order)


@router.post("/dunning/{case_id}/resolution", may=DESK, row="dunning_case")
async def resolve(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Resolving] = typed(Resolving)
) -> Response:
    """Decide a dispute; an invoice that was wrong is taken back on its own page."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    given = sent.value
    who, at, kind = said_by(desk)
    order = Resolution(given.command_id, who, at, kind, given.reason, is_upheld=given.is_upheld)
    return await say(request, desk, case_id, "resolve_dispute", order)


@router.post("/dunning/{case_id}/hold", may=DESK, row="dunning_case")
async def hold(request: Request, desk: Desk, case_id: Key, sent: Typed[Holding] = typed(Holding)) -> Response:
    """Let the case rest until a day."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    given = sent.value
    who, at, kind = said_by(desk)
    order = Hold(given.command_id, who, at, kind, given.reason, until_on=given.until_on)
    return await say(request, desk, case_id, "hold", order)


@router.post("/dunning/{case_id}/release", may=DESK, row="dunning_case")
async def release(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """End a hold before its day."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    who, at, kind = said_by(desk)
    return await say(request, desk, case_id, "release", DunningCommand(sent.value.command_id, who, at, kind))


@router.post("/dunning/{case_id}/skip", may=DESK, row="dunning_case")
async def skip(request: Request, desk: Desk, case_id: Key, sent: Typed[Leaving] = typed(Leaving)) -> Response:
    """Leave the next step out."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    given = sent.value
    who, at, kind = said_by(desk)
    order = Skip(given.command_id, who, at, kind, position=given.position)
    return await say(request, desk, case_id, "skip", order)


@router.post("/dunning/{case_id}/write-off", may=FINANCE, row="dunning_case")
async def write_off(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """Finance writes off what is overdue."""
    return await end(request, desk, case_id, "write_off", sent)


@router.post("/dunning/{case_id}/end", may=FINANCE, row="dunning_case")
async def give_up(
    request: Request, desk: Desk, case_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """Finance stops the dunning; the invoices stay owed."""
    return await end(request, desk, case_id, "give_up", sent)


async def end(request: Request, desk: DeskAt, case_id: str, update: str, sent: Typed[Ending]) -> Response:
    """Give the money up, one way or the other."""
    if sent.value is None:
        return await shown(request, desk, case_id, sent.form, 422)
    who, at, kind = said_by(desk)
    order = DunningCommand(sent.value.command_id, who, at, kind, sent.value.reason)
    return await say(request, desk, case_id, update, order)


def said_by(desk: DeskAt) -> tuple[str, datetime, str]:
    """Who speaks, and when."""
    kind = "staff" if desk.person.kind is Kind.STAFF else "customer"
    return desk.person.id, datetime.now(UTC), kind


async def say(
    request: Request, desk: DeskAt, case_id: str, update: str, order: DunningCommand, back: str = ""
) -> Response:
    """Say a command to the case and go back to its page; the workflow has the last word."""
    case = await desk.one(DunningCase, case_id)
    if case.status is not CaseStatus.OPEN:
        raise Refusal("case_over")
    answered = await command(desk.session, desk.client, dunning_workflow_id(case.id), update, order)
    return move_on(request, back or f"/dunning/{case.id}", data={"status": answered.value})
