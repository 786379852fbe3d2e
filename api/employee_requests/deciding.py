"""Deciding an approval: signed in, or once by the link that was sent."""

from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import text, update
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.approvals import (
    OPEN,
    ApprovalPage,
    Row,
    Similar,
    approval_shown,
    budget_of,
    is_asked,
    mine,
    policy_of,
    similar_to,
)
from api.employee_requests.fields import told
from api.employee_requests.people import by_email, myself
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import TONES, said
from api.kit.commands import Answer, command, is_kept
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import by_link
from api.kit.texts import Key, MaybeLine, MaybeParagraph
from models.employee_requests import RequestApproval, RequestStep
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import ApprovalStatus, Decision, Verdict, request_workflow_id
from models.messages.staff import LinkPurpose
from models.rules.employee_requests.rights import fields_of, may_read
from models.rules.employee_requests.walking import step_at
from models.staff import SignedLink

APPROVE = by_link(LinkPurpose.APPROVE)
BY_LINK = (Verdict.APPROVE, Verdict.REJECT, Verdict.ASK)


class Deciding(Input):
    """One word on an approval."""

    command_id: Key
    verdict: Verdict
    comment: MaybeParagraph = ""
    colleague: MaybeLine = ""  # the e-mail address of who is to decide instead


@router.post(
    "/employee-requests/approvals/{request_approval_id}/decision", may=PORTAL, row="request_approval"
)
async def decide(
    request: Request, desk: Desk, request_approval_id: Key, sent: Typed[Deciding] = typed(Deciding)
) -> Response:
    """Approve, refuse, ask back or let somebody else decide."""
    row = await mine(desk, request_approval_id)
    word = sent.value
    if word is None:
        return await approval_shown(request, desk, row, form=sent.form, status=422)
    if (missing := what_is_missing(word)) is not None:
        return await approval_shown(request, desk, row, form=sent.wrong(*missing), status=422)
    other = await by_email(desk, word.colleague) if word.verdict is Verdict.DELEGATE else None
    if word.verdict is Verdict.DELEGATE and other is None:
        form = sent.wrong("colleague", _("There is no colleague with this e-mail address."))
        return await approval_shown(request, desk, row, form=form, status=422)
    me = await myself(desk)
    given = Decision(
        word.command_id, desk.person.id, datetime.now(UTC), approval_id=row.id,
        employee_id=me.id if me else "", team_id=desk.person.team_id or "", verdict=word.verdict,
        comment=word.comment, delegate_to=other.id if other else "",
    )  # fmt: skip
    assert is_asked(row, me, desk.person.team_id)
    answered = await command(desk.session, desk.client, request_workflow_id(row.request_id), "decide", given)
    return move_on(request, f"/employee-requests/approvals/{row.id}", data={"status": answered.value})


@router.get("/links/{token}/approval", may=APPROVE)
async def approval_by_link(request: Request, desk: Desk, token: str) -> Response:
    """Show the one approval that the link is for."""
    return await shown_by_link(request, desk, token)


@router.post("/links/{token}/approval/decision", may=APPROVE)
async def decide_by_link(
    request: Request, desk: Desk, token: str, sent: Typed[Deciding] = typed(Deciding)
) -> Response:
    """Decide without signing in: once, and never above the amount that asks for a sign-in."""
    row = await desk.one(RequestApproval, str(desk.person.subject))
    word = sent.value
    if word is None:
        return await shown_by_link(request, desk, token, form=sent.form, status=422)
    missing = what_is_missing(word)
    if word.verdict not in BY_LINK:
        missing = "verdict", _("Please choose one of the options.")
    if missing is not None:
        return await shown_by_link(request, desk, token, form=sent.wrong(*missing), status=422)
    if row.needs_sign_in:
        raise Refusal("link_needs_sign_in")
    answered = await once(desk, row, word)
    return move_on(request, f"/links/{token}/approval", data={"status": answered.value})


async def once(desk: DeskAt, row: RequestApproval, word: Deciding) -> Answer:
    """Use the link up and say its one word, in one transaction; the same press again is the same word."""
    given = Decision(
        word.command_id, desk.person.id, datetime.now(UTC), actor_kind="employee", approval_id=row.id,
        employee_id=row.approver_employee_id or "", team_id=row.team_id or "", verdict=word.verdict,
        comment=word.comment, is_signed_in=False,
    )  # fmt: skip
    mine = col(SignedLink.token_hash) == desk.person.token_hash
    used: Any = await desk.session.execute(
        update(SignedLink).where(mine, col(SignedLink.used_at).is_(None)).values(used_at=datetime.now(UTC)),
        execution_options={"preserve_rowcount": True},
    )
    life = request_workflow_id(row.request_id)
    if used.rowcount != 1:
        if await is_kept(desk.session, life, given):
            return Answer.ACCEPTED
        raise Refusal("link_used")
    return await command(desk.session, desk.client, life, "decide", given)


def what_is_missing(word: Deciding) -> tuple[str, str] | None:
    """The field without which this word says nothing."""
    if word.verdict is Verdict.REJECT and not word.comment:
        return "comment", _("Please say why.")
    if word.verdict is Verdict.ASK and not word.comment:
        return "comment", _("Please write your question.")
    return None


async def shown_by_link(
    request: Request, desk: DeskAt, token: str, *, form: Form | None = None, status: int = 200
) -> Response:
    """The page of one approval for whoever holds its link."""
    page = await page_by_link(desk, token)
    return answer(request, "employee_requests/approval.html", page, status=status, form=form)


async def page_by_link(desk: DeskAt, token: str) -> ApprovalPage:
    """What the link's holder needs in order to decide, and nothing of the other approvals."""
    row = await desk.one(RequestApproval, str(desk.person.subject))
    card = (await desk.session.execute(text("select * from ieum_approval_card()"))).mappings().first()
    if card is None:
        raise Refusal("link_ended")
    item = from_record(Item, card["definition"])
    step = step_at(item, row.path)
    hats = frozenset({step.id} if step is not None else ())
    names = dict(card["names"] or {})
    answers = (
        told(field, card["answers"].get(field.id), names)
        for field in fields_of(item) if may_read(field, hats)
    )  # fmt: skip
    shown = Row(
        row.id, row.request_id, said(item.names), item.icon or "clipboard-list", TONES[item.category],
        card["for_whom"] or "", card["asked_by"] or "", said(step.names) if step else "", row.amount_minor,
        row.status, "", "", row.asked_at, row.escalate_at, row.decided_at, card["is_confidential"],
    )  # fmt: skip
    similar: tuple[Similar, ...] = await similar_to(desk, row.id)
    begun = await desk.session.scalar(
        desk.visible(RequestStep).where(
            col(RequestStep.request_id) == row.request_id, col(RequestStep.path) == row.path
        )
    )
    is_open = row.status is ApprovalStatus.PENDING and not desk.person.is_used
    return ApprovalPage(
        shown, f"/links/{token}/approval", tuple(one for one in answers if one is not None), (), similar,
        row.question, row.answer, may_decide=is_open and not row.needs_sign_in,
        needs_sign_in=row.needs_sign_in and row.status in OPEN, is_by_link=True,
        approver=card["approver"] or "", verdicts=BY_LINK, policy=policy_of(item, row.path),
        budget=budget_of(begun),
    )  # fmt: skip
