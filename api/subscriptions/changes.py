"""One change of a contract: how far it is, and what both sides may say to it, signed in or by a link."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from starlette.responses import Response

from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import name_of
from api.kit.people import Kind
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, CUSTOMERS, by_link
from api.kit.texts import Key
from api.subscriptions.reading import Priced, Told, Waiting, for_reader, story_of, wait_of
from api.subscriptions.routing import router
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.staff import LinkPurpose
from models.messages.subscriptions import (
    ChangeDecision,
    ChangeKind,
    ChangeStatus,
    Preview,
    change_workflow_id,
)
from models.subscriptions import SubscriptionChange

OPEN = (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)
CHANGE = LinkPurpose.CHANGE


class Deciding(Input):
    """Somebody pressed a button."""

    command_id: Key


@dataclass(frozen=True)
class ChangePage:
    """One change for its reader: its money is the reader's own side."""

    id: str
    kind: ChangeKind
    status: ChangeStatus
    reason: str
    subscription_id: str
    effective_on: date
    lines: tuple[Priced, ...]
    total_minor: int
    monthly_before_minor: int
    monthly_after_minor: int
    obligation_until: date | None
    currency: str
    invoice_id: str | None
    ticket_id: str | None
    wait: Waiting | None
    story: tuple[Told, ...]
    is_desk: bool
    is_receiver: bool
    may_cancel: bool
    may_decide: bool
    base: str


@router.get("/subscriptions/changes/{change_id}", may=AGENTS | CUSTOMERS, row="change")
async def show(request: Request, desk: Desk, change_id: Key) -> Response:
    """Show how far a change is, what it costs and who is waited for."""
    page = await change_page(desk, change_id, f"/subscriptions/changes/{change_id}")
    return answer(request, "subscriptions/change.html", page)


@router.get("/links/{token}/change", may=by_link(CHANGE))
async def show_by_link(request: Request, desk: Desk, token: str) -> Response:
    """The same page without signing in, for one side of one change."""
    page = await change_page(desk, desk.person.case_id or "", f"/links/{token}")
    return answer(request, "subscriptions/change.html", page)


@router.post("/subscriptions/changes/{change_id}/cancellation", may=AGENTS | CUSTOMERS, row="change")
@router.post("/links/{token}/change/cancellation", may=by_link(CHANGE))
async def cancel(request: Request, desk: Desk, sent: Typed[Deciding] = typed(Deciding)) -> Response:
    """Whoever asked, or the desk, takes the change back before it is in force."""
    return await decide(request, desk, sent, "cancel")


@router.post("/subscriptions/changes/{change_id}/agreement", may=CUSTOMERS, row="change")
@router.post("/links/{token}/change/agreement", may=by_link(CHANGE))
async def agree(request: Request, desk: Desk, sent: Typed[Deciding] = typed(Deciding)) -> Response:
    """The receiver of a transfer takes the contract over."""
    return await decide(request, desk, sent, "confirm")


@router.post("/subscriptions/changes/{change_id}/rejection", may=CUSTOMERS, row="change")
@router.post("/links/{token}/change/rejection", may=by_link(CHANGE))
async def decline(request: Request, desk: Desk, sent: Typed[Deciding] = typed(Deciding)) -> Response:
    """The receiver of a transfer does not want the contract."""
    return await decide(request, desk, sent, "decline")


async def decide(request: Request, desk: DeskAt, sent: Typed[Deciding], update: str) -> Response:
    """Say a decision to the change, by whoever may make it; the same button twice is one decision."""
    is_link = desk.person.kind is Kind.LINK
    number = desk.person.case_id or "" if is_link else str(request.path_params["change_id"])
    base = f"/links/{request.path_params['token']}" if is_link else f"/subscriptions/changes/{number}"
    page = await change_page(desk, number, base)
    if sent.value is None:
        return answer(request, "subscriptions/change.html", page, form=sent.form, status=422)
    refuse_wrong_side(page, update)
    order = ChangeDecision(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        "staff" if desk.person.kind is Kind.STAFF else "customer",
    )  # fmt: skip
    said = await command(desk.session, desk.client, change_workflow_id(number), update, order)
    status = 200 if said is Answer.DONE else 202
    back = f"{base}/change" if is_link else base
    return move_on(request, back, data={"status": said.value, "change_id": number}, status=status)


def refuse_wrong_side(page: ChangePage, update: str) -> None:
    """Only the receiver decides, and only the holder or the desk takes back."""
    if page.is_receiver == (update == "cancel") or (page.is_desk and update != "cancel"):
        raise Refusal("not_allowed")
    if page.status is ChangeStatus.DONE:
        raise Refusal("change_done")
    if page.status is ChangeStatus.CANCELLED:
        raise Refusal("change_off")


async def change_page(desk: DeskAt, number: str, base: str) -> ChangePage:
    """Read one change for whoever asks; the other side's money stays the other side's."""
    change = await desk.one(SubscriptionChange, number)
    shown = from_record(Preview, change.preview)
    is_desk = desk.person.kind is Kind.STAFF
    is_receiver = not is_desk and desk.person.customer_id == change.other_customer_id
    is_open = change.status in OPEN
    wait = await wait_of(desk, change_workflow_id(change.id))
    return ChangePage(
        id=change.id, kind=change.kind, status=change.status,
        reason=change.reason if name_of(change.reason, "change_end") else "",
        subscription_id="" if is_receiver else change.subscription_id, effective_on=change.effective_on,
        lines=for_reader(desk, shown.lines),
        total_minor=shown.other_total_minor if is_receiver else shown.total_minor,
        monthly_before_minor=0 if is_receiver else shown.monthly_before_minor,
        monthly_after_minor=shown.monthly_before_minor if is_receiver else shown.monthly_after_minor,
        obligation_until=shown.obligation_until, currency=shown.currency,
        invoice_id=None if is_receiver else change.invoice_id,
        ticket_id=None if is_receiver else change.ticket_id,
        wait=wait, story=await story_of(desk, change_workflow_id(change.id)),
        is_desk=is_desk, is_receiver=is_receiver, may_cancel=is_open and not is_receiver,
        may_decide=is_open and is_receiver, base=base,
    )  # fmt: skip
