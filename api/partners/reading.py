"""The list of partners, and the page of one: status, papers, technicians, offers with reasons, numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fastapi import Request
from sqlalchemy import func
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.labels import name_of, named
from api.kit.rendering import answer
from api.kit.routes import AGENTS
from api.kit.sentences import sentence
from api.kit.texts import Key
from api.partners import words
from api.partners.routing import router
from models.field_service import PassedOver, Technician, Visit, VisitOffer
from models.messages.field_service import HOLDS_SLOT, OfferStatus, Outcome, VisitStatus
from models.messages.partners import PaperKind, PartnerStatus
from models.messages.staff import Role
from models.partners import Partner, PartnerPaper, PartnerStep
from models.rules.partners import FOR_ALL_WORK, NEEDS_REASON, moves
from models.staff import Account
from models.tickets import TicketRating

assert words
SOON = timedelta(days=30)
COUNTED = timedelta(days=90)
LATE = timedelta(minutes=15)
MOST = 200


@dataclass(frozen=True)
class PaperLine:
    """One paper as it stands today."""

    id: str
    kind: PaperKind
    category: str
    number: str
    valid_from: date
    valid_until: date
    days_left: int
    state: str
    pay_minor: int | None
    file: str


@dataclass(frozen=True)
class PartnerLine:
    """One partner in the list."""

    id: str
    name: str
    status: PartnerStatus
    technicians: int
    next_expiry: date | None
    lacks: tuple[PaperKind, ...]


@dataclass(frozen=True)
class PartnersPage:
    """Every partner."""

    partners: tuple[PartnerLine, ...]
    may_edit: bool


@dataclass(frozen=True)
class OfferLine:
    """One offer, or one that was not made, and why."""

    visit_id: str
    technician: str
    status: OfferStatus | None
    at: datetime
    until: datetime | None
    answered_at: datetime | None
    answer: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """Numbers of ninety days; a share is None while there is nothing to count."""

    offers: int
    turned_down: int
    ended: int
    late: int
    first_time: int
    stars: float | None
    ratings: int


@dataclass(frozen=True)
class Replan:
    """A visit that somebody of this partner holds and that needs somebody else now."""

    visit_id: str
    ticket_id: str
    technician: str
    starts_at: datetime | None


@dataclass(frozen=True)
class Told:
    """One line of a partner's life."""

    at: datetime
    text: str
    who: str


@dataclass(frozen=True)
class Crew:
    """One of a partner's technicians."""

    id: str
    name: str
    skills: tuple[str, ...]
    is_active: bool


@dataclass(frozen=True)
class PartnerPage:
    """Everything about one partner."""

    id: str
    name: str
    phone: str
    status: PartnerStatus
    reason: str
    checks_papers: bool
    papers: tuple[PaperLine, ...]
    lacks: tuple[PaperKind, ...]
    technicians: tuple[Crew, ...]
    offers: tuple[OfferLine, ...]
    replan: tuple[Replan, ...]
    story: tuple[Told, ...]
    scores: Scores
    moves: tuple[PartnerStatus, ...]
    needs_reason: frozenset[PartnerStatus]
    may_edit: bool


def today() -> date:
    """The day in Seoul."""
    return in_seoul(datetime.now(UTC)).date()


def may_edit(desk: DeskAt) -> bool:
    """Dispatchers and administrators lead partners."""
    return bool(desk.person.roles & {Role.DISPATCHER, Role.ADMIN})


def line_of(paper: PartnerPaper, day: date) -> PaperLine:
    """A paper as it stands on a day."""
    left = (paper.valid_until - day).days
    state = (
        "expired"
        if left < 0
        else "later"
        if paper.valid_from > day
        else "soon"
        if left <= SOON.days
        else "valid"
    )
    file = f"/partners/{paper.partner_id}/papers/{paper.id}/file" if paper.stored_as else ""
    return PaperLine(
        paper.id, paper.kind, paper.category, paper.number, paper.valid_from, paper.valid_until, left, state,
        paper.pay_minor, file,
    )  # fmt: skip


def lacking(papers: Sequence[PaperLine]) -> tuple[PaperKind, ...]:
    """What all work needs and nothing covers today."""
    covered = {paper.kind for paper in papers if paper.state in ("valid", "soon")}
    return tuple(kind for kind in FOR_ALL_WORK if kind not in covered)


async def papers_of(desk: DeskAt, *partner_ids: str) -> dict[str, list[PaperLine]]:
    """The papers of these partners, the first to expire first."""
    query = desk.visible(PartnerPaper).where(col(PartnerPaper.partner_id).in_(partner_ids))
    rows = (
        await desk.session.scalars(query.order_by(col(PartnerPaper.valid_until), col(PartnerPaper.id)))
    ).all()
    day, found = today(), dict[str, list[PaperLine]]()
    for row in rows:
        found.setdefault(row.partner_id, []).append(line_of(row, day))
    return found


@router.get("/partners", may=AGENTS)
async def index(request: Request, desk: Desk) -> Response:
    """Every partner with status, papers and the next expiry."""
    return answer(request, "partners/index.html", await list_page(desk))


async def list_page(desk: DeskAt) -> PartnersPage:
    """The list, those whose next paper expires first on top."""
    rows = (await desk.session.scalars(desk.visible(Partner).order_by(col(Partner.name)).limit(MOST))).all()
    papers = await papers_of(desk, *(row.id for row in rows))
    counted = desk.visible(Technician).with_only_columns(col(Technician.partner_id), func.count())
    people = dict((await desk.session.execute(counted.group_by(col(Technician.partner_id)))).all())
    lines = []
    for row in rows:
        mine = papers.get(row.id, [])
        ahead = [paper.valid_until for paper in mine if paper.days_left >= 0]
        lacks = lacking(mine) if row.checks_papers else ()
        lines.append(
            PartnerLine(row.id, row.name, row.status, people.get(row.id, 0), min(ahead, default=None), lacks)
        )
    lines.sort(key=lambda line: (line.next_expiry is None, line.next_expiry or date.max, line.name))
    return PartnersPage(tuple(lines), may_edit(desk))


@router.get("/partners/{partner_id}", may=AGENTS, row="partner")
async def show(request: Request, desk: Desk, partner_id: Key) -> Response:
    """The page of one partner."""
    return answer(request, "partners/show.html", await page_of(desk, await desk.one(Partner, partner_id)))


async def page_of(desk: DeskAt, partner: Partner) -> PartnerPage:
    """Read everything that the page of a partner shows."""
    crew = desk.visible(Technician).where(col(Technician.partner_id) == partner.id)
    technicians = (await desk.session.scalars(crew.order_by(col(Technician.name)).limit(MOST))).all()
    names = {one.id: one.name for one in technicians}
    people = tuple(Crew(one.id, one.name, tuple(one.skills), one.is_active) for one in technicians)
    papers = tuple((await papers_of(desk, partner.id)).get(partner.id, ()))
    stops = partner.status in NEEDS_REASON
    return PartnerPage(
        id=partner.id, name=partner.name, phone=partner.phone, status=partner.status,
        reason=partner.status_reason, checks_papers=partner.checks_papers, papers=papers,
        lacks=lacking(papers) if partner.checks_papers else (),
        technicians=people, offers=await offers_of(desk, names),
        replan=await replan_of(desk, names) if stops else (), story=await story_of(desk, partner.id),
        scores=await scores_of(desk, names),
        moves=tuple(one for one in PartnerStatus if one in moves(partner.status)),
        needs_reason=NEEDS_REASON, may_edit=may_edit(desk),
    )  # fmt: skip


async def offers_of(desk: DeskAt, names: dict[str, str]) -> tuple[OfferLine, ...]:
    """The newest offers to these technicians, and those that were not made, with their reasons."""
    made = desk.visible(VisitOffer).where(col(VisitOffer.technician_id).in_(names))
    rows = (await desk.session.scalars(made.order_by(col(VisitOffer.offered_at).desc()).limit(20))).all()
    missed = desk.visible(PassedOver).where(col(PassedOver.technician_id).in_(names))
    left_out = (await desk.session.scalars(missed.order_by(col(PassedOver.at).desc()).limit(20))).all()
    lines = [
        OfferLine(row.visit_id, names[row.technician_id], row.status, row.offered_at, row.expires_at,
                  row.answered_at, name_of(row.answer_reason, "decline", "why_asked") or row.answer_reason,
                  tuple(named(one, "why_asked") for one in row.reasons))
        for row in rows
    ] + [
        OfferLine(one.visit_id, names[one.technician_id], None, one.at, None, None, "",
                  (named(one.reason, "why_asked"),))
        for one in left_out
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True)[:20])


async def replan_of(desk: DeskAt, names: dict[str, str]) -> tuple[Replan, ...]:
    """The visits that these technicians hold and have not ended."""
    held = (VisitStatus.ACCEPTED, *HOLDS_SLOT)
    query = desk.visible(Visit).where(col(Visit.technician_id).in_(names), col(Visit.status).in_(held))
    rows = (await desk.session.scalars(query.order_by(col(Visit.starts_at), col(Visit.id)).limit(MOST))).all()
    return tuple(Replan(row.id, row.ticket_id, names[row.technician_id or ""], row.starts_at) for row in rows)


async def story_of(desk: DeskAt, partner_id: str) -> tuple[Told, ...]:
    """The newest lines of a partner's life, each with who did it."""
    query = desk.visible(PartnerStep).where(col(PartnerStep.partner_id) == partner_id)
    rows = (await desk.session.scalars(query.order_by(col(PartnerStep.seq).desc()).limit(30))).all()
    people = desk.visible(Account).where(col(Account.id).in_([row.actor_id for row in rows if row.actor_id]))
    names = {one.id: one.name for one in (await desk.session.scalars(people)).all()}
    return tuple(
        Told(row.at, sentence(row.sentence, row.details), names.get(row.actor_id or "", "")) for row in rows
    )


async def scores_of(desk: DeskAt, names: dict[str, str]) -> Scores:
    """Late starts, refusals, first-time fixes and stars of the last ninety days."""
    since = datetime.now(UTC) - COUNTED
    offers = desk.visible(VisitOffer).where(
        col(VisitOffer.technician_id).in_(names), col(VisitOffer.offered_at) > since
    )
    answers = [row.status for row in (await desk.session.scalars(offers)).all()]
    mine = desk.visible(Visit).where(
        col(Visit.technician_id).in_(names), col(Visit.is_over), col(Visit.created_at) > since,
        col(Visit.outcome).is_not(None), col(Visit.outcome) != Outcome.CANCELLED,
    )  # fmt: skip
    visits = (await desk.session.scalars(mine)).all()
    stars = desk.visible(TicketRating).where(
        col(TicketRating.ticket_id).in_([one.ticket_id for one in visits])
    )
    given = [row.stars for row in (await desk.session.scalars(stars)).all()]
    return Scores(
        offers=len(answers),
        turned_down=sum(one in (OfferStatus.DECLINED, OfferStatus.EXPIRED) for one in answers),
        ended=len(visits),
        late=sum(
            one.starts_at is not None
            and one.departed_at is not None
            and one.departed_at > one.starts_at + LATE
            for one in visits
        ),
        first_time=sum(one.outcome is Outcome.REPAIRED and one.id.endswith("-1") for one in visits),
        stars=sum(given) / len(given) if given else None,
        ratings=len(given),
    )
