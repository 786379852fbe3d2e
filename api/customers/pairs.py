"""Records that may be one customer: the list, and the two of a pair side by side."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from sqlalchemy import func, or_, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col
from starlette.responses import Response

from api.customers.routing import router
from api.kit import formats, labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Person
from api.kit.personal import mask_address, mask_email, mask_phone, reveal
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, STAFF
from api.kit.texts import Key, Line
from api.kit.visible import visible
from models.customers import Customer, CustomerMerge, CustomerPair
from models.kit.refusals import Refusal
from models.messages.customers import MERGE_AGAINST, PAIR_REASONS, MergeStatus, PairStatus
from models.messages.sentences import N_
from models.rules.customers import MERGE_FIELDS, Standing, needs_second, survivor_of

PAGE = 50
SHOWN = 5  # pairs on a customer's card
STAYS = {
    "account": N_("It is the one that somebody signs in with."),
    "verified": N_("Its identity was proved."),
    "journeys": N_("More journeys run for it."),
    "older": N_("It is the older one."),
}
FACTS = text("select ieum_merge_facts(:one, :other)")
UNMASKED = ("phone", "email", "postcode", "address")


@dataclass(frozen=True)
class PairLine:
    """One pair in the list: both names and why."""

    id: str
    first_id: str
    first: str
    second_id: str
    second: str
    score: int
    reasons: tuple[str, ...]
    found_at: datetime


@dataclass(frozen=True)
class PairsPage:
    """One page of pairs, the likeliest first."""

    rows: tuple[PairLine, ...]
    next: str = ""


@dataclass(frozen=True)
class Side:
    """One of the two records as it is compared; how to reach them stays masked."""

    id: str
    name: str
    created_at: datetime
    version: int
    values: dict[str, str]
    said: dict[str, str]  # where each value comes from
    counts: dict[str, int]
    signs_in: bool
    is_verified: bool


@dataclass(frozen=True)
class ComparePage:
    """Both records, which one stays, and what stands against a merge."""

    id: str
    status: PairStatus
    score: int
    reasons: tuple[str, ...]
    first: Side
    second: Side
    stays: str  # "first" or "second"
    because: str
    fields: tuple[tuple[str, str], ...]  # each with the side whose value stays unless somebody says otherwise
    counted: tuple[str, ...]
    against: tuple[str, ...]
    needs_second: bool
    merge_id: str
    may: bool


class Looking(Input):
    """Why somebody looks at personal data."""

    purpose: Line


@router.get("/customers/duplicates", may=STAFF)
async def pairs(request: Request, desk: Desk, after: Annotated[str, Query(max_length=64)] = "") -> Response:
    """List pairs that wait for somebody to compare them, the likeliest first."""
    if not after.isprintable():
        raise Refusal("not_found")
    query = lines_of(desk.person).where(col(CustomerPair.status) == PairStatus.OPEN)
    if after:
        last = desk.visible(CustomerPair).with_only_columns(col(CustomerPair.score)).where(
            col(CustomerPair.id) == after
        )  # fmt: skip
        query = query.where(
            tuple_(col(CustomerPair.score), col(CustomerPair.id))
            < tuple_(last.correlate(None).scalar_subquery(), after)
        )
    query = query.order_by(col(CustomerPair.score).desc(), col(CustomerPair.id).desc()).limit(PAGE + 1)
    rows = tuple(line_of(row) for row in await desk.session.execute(query))
    more = f"/customers/duplicates?after={rows[PAGE - 1].id}" if len(rows) > PAGE else ""
    return answer(request, "customers/duplicates.html", PairsPage(rows[:PAGE], more))


def lines_of(person: Person) -> Any:
    """Pairs with both names."""
    one, other = aliased(Customer), aliased(Customer)
    return (
        visible(person, CustomerPair)
        .with_only_columns(
            col(CustomerPair.id), col(CustomerPair.first_id), col(one.name), col(CustomerPair.second_id),
            col(other.name), col(CustomerPair.score), col(CustomerPair.reasons), col(CustomerPair.found_at),
        )
        .join(one, col(one.id) == col(CustomerPair.first_id))
        .join(other, col(other.id) == col(CustomerPair.second_id))
    )  # fmt: skip


def line_of(row: Any) -> PairLine:
    """One fetched pair, its reasons in words."""
    first, second = row[2] or row[1], row[4] or row[3]
    return PairLine(row[0], row[1], first, row[3], second, row[5], in_words(row[6]), row[7])


def in_words(codes: list[str]) -> tuple[str, ...]:
    """Why two records are taken for one."""
    return tuple(_(PAIR_REASONS[code]) for code in codes if code in PAIR_REASONS)


async def pairs_of(session: AsyncSession, person: Person, customer_id: str) -> tuple[PairLine, ...]:
    """The open pairs of one customer, for the card."""
    theirs = or_(col(CustomerPair.first_id) == customer_id, col(CustomerPair.second_id) == customer_id)
    query = lines_of(person).where(theirs, col(CustomerPair.status) == PairStatus.OPEN)
    query = query.order_by(col(CustomerPair.score).desc(), col(CustomerPair.id)).limit(SHOWN)
    return tuple(line_of(row) for row in await session.execute(query))


@router.get("/customers/duplicates/{customer_pair_id}", may=STAFF, row="customer_pair")
async def compare(request: Request, desk: Desk, customer_pair_id: Key) -> Response:
    """Show both records side by side."""
    return answer(request, "customers/compare.html", await compare_page(desk, customer_pair_id))


async def compare_page(desk: DeskAt, pair_id: str) -> ComparePage:
    """Read both records and everything that speaks for or against making one of them."""
    pair = await desk.one(CustomerPair, pair_id)
    rows = {
        row.id: row
        for row in await desk.session.scalars(
            desk.visible(Customer).where(col(Customer.id).in_((pair.first_id, pair.second_id)))
        )
    }
    given = {"one": pair.first_id, "other": pair.second_id}
    facts = await desk.session.scalar(FACTS, given)
    sides = [side_of(rows[one], facts, place) for place, one in enumerate((pair.first_id, pair.second_id))]
    stays, because = survivor_of(*(standing_of(side) for side in sides))
    kept = 0 if stays == sides[0].id else 1
    moved = sum(sides[1 - kept].counts[name] for name in facts["counts"] if name != "waits")
    merge = await desk.session.scalar(
        desk.visible(CustomerMerge)
        .with_only_columns(col(CustomerMerge.id))
        .where(col(CustomerMerge.pair_id) == pair_id, col(CustomerMerge.status) != MergeStatus.REFUSED)
        .order_by(col(CustomerMerge.asked_at).desc())
        .limit(1)
    )
    return ComparePage(
        pair.id, pair.status, pair.score, in_words(pair.reasons), sides[0], sides[1],
        "first" if kept == 0 else "second", _(STAYS[because]), fields_of(rows, sides, kept),
        tuple(name for name in facts["counts"] if any(side.counts[name] for side in sides)),
        tuple(code for code, holds in facts["against"].items() if holds),
        needs_second((s.is_verified for s in sides), (s.signs_in for s in sides), moved), merge or "",
        desk.person.is_desk and pair.status is not PairStatus.MERGED,
    )  # fmt: skip


def side_of(row: Customer, facts: dict[str, Any], place: int) -> Side:
    """One record, masked, with where its values come from."""
    values = {
        "name": row.name, "phone": mask_phone(row.phone or ""), "email": mask_email(row.email or ""),
        "address": mask_address(row.address), "kind": labels.label(row.kind, "customer_kind").text,
        "tier": labels.label(row.tier, "tier").text,
        "locale": "한국어" if row.locale == "ko" else "English",
    }  # fmt: skip
    vouched = _("vouched for by us") if row.is_verified else _("nobody checked it")
    said = {
        "phone": proved(row.phone_proved_at) or vouched, "email": proved(row.email_proved_at) or vouched,
        "name": _("identity proved") if row.is_verified else _("as it was told"),
    }  # fmt: skip
    return Side(
        row.id, row.name, row.created_at, row.version,
        {name: value or formats.NOTHING for name, value in values.items()},
        {name: word for name, word in said.items() if getattr(row, name)},
        {name: both[place] for name, both in facts["counts"].items()}, facts["signs_in"][place],
        row.is_verified,
    )  # fmt: skip


def proved(at: datetime | None) -> str:
    """That and when a code proved it."""
    return _("proved by a code on %(day)s", day=formats.day(at)) if at else ""


def standing_of(side: Side) -> Standing:
    """What decides which of the two stays."""
    return Standing(side.id, side.is_verified, side.signs_in, side.counts["waits"], side.created_at)


def fields_of(rows: dict[str, Customer], sides: list[Side], kept: int) -> tuple[tuple[str, str], ...]:
    """Each field with the side whose value stays: the one's that stays, but for what only the other has or
    has proved."""
    names = ("first", "second")
    stays, goes = rows[sides[kept].id], rows[sides[1 - kept].id]
    chosen = []
    for field in MERGE_FIELDS:
        is_missing = not getattr(stays, field) and bool(getattr(goes, field))
        proof = f"{field}_proved_at"
        is_better = getattr(goes, proof, None) is not None and getattr(stays, proof, None) is None
        chosen.append((field, names[1 - kept] if is_missing or is_better else names[kept]))
    return tuple(chosen)


def against_words(codes: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """What stands against a merge, in words."""
    return tuple(_(MERGE_AGAINST[code]) for code in codes if code in MERGE_AGAINST)


@router.post(
    "/customers/duplicates/{customer_pair_id}/disclosure", may=STAFF, row="customer_pair",
    reveals="to compare two records",
)  # fmt: skip
async def disclose(
    request: Request, desk: Desk, customer_pair_id: Key, sent: Typed[Looking] = typed(Looking)
) -> Response:
    """Unmask both records for a reason, which is written down of both before anything is shown."""
    if sent.value is None:
        page = await compare_page(desk, customer_pair_id)
        return answer(
            request, "customers/compare.html", page, block="contact", form=sent.form, status=422
        )  # fmt: skip
    pair = await desk.one(CustomerPair, customer_pair_id)
    told = [
        await reveal(desk, one, action="customers.compared", purpose=sent.value.purpose, only=UNMASKED)
        for one in (pair.first_id, pair.second_id)
    ]
    return answer(request, "customers/compared.html", {"id": pair.id, "both": told}, block="contact")


@router.post("/customers/duplicates/{customer_pair_id}/dismissal", may=AGENTS, row="customer_pair")
async def dismiss(request: Request, desk: Desk, customer_pair_id: Key) -> Response:
    """They are not the same: off the list until something of them changes."""
    pair = await desk.one(CustomerPair, customer_pair_id)
    under_way = desk.visible(CustomerMerge).with_only_columns(func.count()).where(
        col(CustomerMerge.pair_id) == pair.id,
        col(CustomerMerge.status).in_((MergeStatus.ASKED, MergeStatus.WAITING, MergeStatus.CONFIRMING)),
    )  # fmt: skip
    if pair.status is PairStatus.MERGED or await desk.session.scalar(under_way):
        raise Refusal("merge_open")
    change = update(CustomerPair).where(
        col(CustomerPair.id) == pair.id, col(CustomerPair.status) == PairStatus.OPEN
    )
    values = {"status": PairStatus.NOT_SAME, "decided_by": desk.person.id, "decided_at": datetime.now(UTC)}
    await desk.session.execute(change.values(**values).execution_options(synchronize_session=False))
    await desk.commit()
    return move_on(request, "/customers/duplicates", data={"status": "done"})
