"""Merging two records: asked for, agreed to by a second person, shown while it runs, and undone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.customers.pairs import ComparePage, against_words, compare_page
from api.customers.routing import router
from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS, STAFF
from api.kit.sentences import then_sentence, wait_sentence
from api.kit.texts import Count, Key, Line
from models.customers import Customer, CustomerMerge
from models.journeys import OpenWait
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.customers import (
    MergeCommand,
    MergeOrder,
    MergeStatus,
    PairStatus,
    merge_workflow_id,
)
from models.messages.journeys import WaitFor
from models.rules.customers import MERGE_FIELDS
from models.staff import Account

Which = Literal["first", "second"]
UNDER_WAY = (MergeStatus.ASKED, MergeStatus.WAITING, MergeStatus.CONFIRMING, MergeStatus.MERGED)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


Version = Annotated[Count, BeforeValidator(_whole)]


class Merging(Input):
    """Which record stays, whose values stay, and why; the same form sent twice is one merge."""

    submission_key: Key
    stays: Which
    name: Which
    phone: Which
    email: Which
    address: Which
    kind: Which
    tier: Which
    locale: Which
    first_version: Version
    second_version: Version
    reason: Line


class Saying(Input):
    """Somebody agrees."""

    command_id: Key


class Reasoned(Input):
    """Somebody says no, or wants it undone, and why."""

    command_id: Key
    reason: Line


@dataclass(frozen=True)
class MergeWait:
    """What a merge waits for."""

    who: WaitFor
    text: str
    then: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class MergePage:
    """One merge: both records, how it stands, who asked and agreed, what was moved."""

    id: str
    pair_id: str
    status: MergeStatus
    survivor_id: str
    survivor: str
    loser_id: str
    loser: str
    reason: str
    against: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    asked_by: str
    asked_at: datetime
    confirmed_by: str
    merged_at: datetime | None
    undone_by: str
    undone_at: datetime | None
    undo_reason: str
    waits: tuple[MergeWait, ...]
    may: frozenset[str]


@router.post("/customers/duplicates/{customer_pair_id}/merge", may=AGENTS, row="customer_pair")
async def ask(
    request: Request, desk: Desk, customer_pair_id: Key, sent: Typed[Merging] = typed(Merging)
) -> Response:
    """Ask for a merge: one row and one start. What was compared must still be so."""
    page = await compare_page(desk, customer_pair_id)
    if sent.value is None:
        return answer(request, "customers/compare.html", page, form=sent.form, status=422)
    asked = sent.value
    merge_id = f"mrg_{desk.person.id}_{asked.submission_key}"
    known = desk.visible(CustomerMerge).with_only_columns(col(CustomerMerge.id))
    if (await desk.session.scalar(known.where(col(CustomerMerge.id) == merge_id))) is None:
        if page.status is PairStatus.MERGED:
            raise Refusal("merge_open")
        if (asked.first_version, asked.second_version) != (page.first.version, page.second.version):
            form = Form(sent.form.values, {"reason": str(Refusal("merge_changed"))})
            return answer(request, "customers/compare.html", page, form=form, status=409)
        if {"erased", "merged"} & set(page.against):
            raise Refusal("merged_away")
        await store(desk, page, asked, merge_id)
    return move_on(request, f"/customers/merges/{merge_id}", data={"id": merge_id}, status=201)


async def store(desk: DeskAt, page: ComparePage, asked: Merging, merge_id: str) -> None:
    """One row and its life, in one transaction; only one merge of a pair is under way at a time."""
    now = datetime.now(UTC)
    sides = (page.first, page.second) if asked.stays == "first" else (page.second, page.first)
    taken = [field for field in MERGE_FIELDS if getattr(asked, field) != asked.stays]
    row = {
        "id": merge_id, "pair_id": page.id, "survivor_id": sides[0].id, "loser_id": sides[1].id,
        "taken": taken, "versions": [one.version for one in sides], "reason": asked.reason,
        "status": MergeStatus.ASKED, "needs_second": page.needs_second, "against": [], "counts": {},
        "asked_by": desk.person.id, "asked_at": now, "undo_reason": "", "seq": 0,
    }  # fmt: skip
    made = insert(CustomerMerge).values(row).on_conflict_do_nothing().returning(col(CustomerMerge.id))
    if (await desk.session.execute(made)).first() is None:
        raise Refusal("merge_open")
    order = MergeOrder(merge_id, now, page.needs_second, desk.person.id)
    workflow_id = merge_workflow_id(merge_id)
    await announce_start(
        desk.session, "CustomerMerge", workflow_id, order, summary="Make one customer of two records"
    )
    await desk.commit()


@router.get("/customers/merges/{customer_merge_id}", may=STAFF, row="customer_merge")
async def show_merge(request: Request, desk: Desk, customer_merge_id: Key) -> Response:
    """Show how a merge stands."""
    return answer(request, "customers/merge.html", await merge_page(desk, customer_merge_id))


async def merge_page(desk: DeskAt, merge_id: str) -> MergePage:
    """Read one merge."""
    row = await desk.one(CustomerMerge, merge_id)
    people = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    asked = [one for one in (row.asked_by, row.confirmed_by, row.undone_by) if one]
    found = await desk.session.execute(people.where(col(Account.id).in_(asked)))
    names = {str(id): str(name) for id, name in found}
    both = desk.visible(Customer).with_only_columns(col(Customer.id), col(Customer.name))
    sides = or_(col(Customer.id) == row.survivor_id, col(Customer.id) == row.loser_id)
    called = {str(id): str(name) for id, name in await desk.session.execute(both.where(sides))}
    open_waits = desk.visible(OpenWait).where(
        col(OpenWait.workflow_id) == merge_workflow_id(row.id), col(OpenWait.ended_at).is_(None)
    )
    waits = tuple(
        MergeWait(
            one.who, wait_sentence(one.what, one.details), then_sentence(one.then), one.since, one.until
        )
        for one in await desk.session.scalars(open_waits)
    )
    may = set()
    if desk.person.is_desk:
        if row.status in UNDER_WAY[:3]:
            may.add("refuse")
        if row.needs_second and row.confirmed_by is None and row.status in UNDER_WAY[:3]:
            may |= {"confirm"} if row.asked_by != desk.person.id else {"ask_another"}
        if row.status is MergeStatus.MERGED:
            may.add("undo")
    return MergePage(
        row.id, row.pair_id, row.status, row.survivor_id, called.get(row.survivor_id) or row.survivor_id,
        row.loser_id, called.get(row.loser_id) or row.loser_id, row.reason, against_words(row.against),
        tuple(sorted(row.counts.items())), names.get(row.asked_by, row.asked_by), row.asked_at,
        names.get(row.confirmed_by or "", row.confirmed_by or ""), row.merged_at,
        names.get(row.undone_by or "", row.undone_by or ""), row.undone_at, row.undo_reason, waits,
        frozenset(may),
    )  # fmt: skip


@router.post("/customers/merges/{customer_merge_id}/confirmation", may=AGENTS, row="customer_merge")
async def confirm(
    request: Request, desk: Desk, customer_merge_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """A second person agrees."""
    row = await desk.one(CustomerMerge, customer_merge_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if row.asked_by == desk.person.id:
        raise Refusal("merge_second_person")
    return await say(request, desk, row.id, "confirm", sent.value.command_id)


@router.post("/customers/merges/{customer_merge_id}/refusal", may=AGENTS, row="customer_merge")
async def refuse(
    request: Request, desk: Desk, customer_merge_id: Key, sent: Typed[Reasoned] = typed(Reasoned)
) -> Response:
    """The records are not merged after all."""
    return await reasoned(request, desk, customer_merge_id, "refuse", sent)


@router.post("/customers/merges/{customer_merge_id}/undoing", may=AGENTS, row="customer_merge")
async def undo(
    request: Request, desk: Desk, customer_merge_id: Key, sent: Typed[Reasoned] = typed(Reasoned)
) -> Response:
    """Everything is put back as it was, for a reason; where that cannot be, it is said why."""
    return await reasoned(request, desk, customer_merge_id, "undo", sent)


async def reasoned(
    request: Request, desk: DeskAt, merge_id: str, what: str, sent: Typed[Reasoned]
) -> Response:
    """Say a command that has a reason."""
    row = await desk.one(CustomerMerge, merge_id)
    if sent.value is None:
        page = await merge_page(desk, merge_id)
        return answer(request, "customers/merge.html", page, form=sent.form, status=422)
    return await say(request, desk, row.id, what, sent.value.command_id, sent.value.reason)


async def say(
    request: Request, desk: DeskAt, merge_id: str, what: str, command_id: str, reason: str = ""
) -> Response:
    """Store the command and say it to the workflow."""
    said = MergeCommand(command_id, desk.person.id, datetime.now(UTC), reason)
    how = await command(desk.session, desk.client, merge_workflow_id(merge_id), what, said)
    status = 200 if how is Answer.DONE else 202
    return move_on(request, f"/customers/merges/{merge_id}", data={"status": how.value}, status=status)
