"""Which partner may be offered which work on which day, and what their papers bring next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.messages.partners import Outlook, PaperEvent, PaperKind, PaperNews, PartnerStatus

SEOUL = ZoneInfo("Asia/Seoul")
WARNINGS: Mapping[PaperNews, int] = {PaperNews.MONTH: 30, PaperNews.WEEK: 7}
WARN_AT = time(9)
FOR_ALL_WORK = (PaperKind.CONTRACT, PaperKind.INSURANCE)

MOVES: Mapping[PartnerStatus, frozenset[PartnerStatus]] = {
    PartnerStatus.APPLIED: frozenset({PartnerStatus.REVIEW, PartnerStatus.ENDED}),
    PartnerStatus.REVIEW: frozenset({PartnerStatus.ACTIVE, PartnerStatus.ENDED}),
    PartnerStatus.ACTIVE: frozenset({PartnerStatus.SUSPENDED, PartnerStatus.ENDED}),
    PartnerStatus.SUSPENDED: frozenset({PartnerStatus.ACTIVE, PartnerStatus.ENDED}),
}
NEEDS_REASON = frozenset({PartnerStatus.SUSPENDED, PartnerStatus.ENDED})


@dataclass(frozen=True)
class Paper:
    """What counts of a paper: both days are included."""

    id: str
    kind: PaperKind
    category: str
    valid_from: date
    valid_until: date
    added_at: datetime | None = None  # what was due before it was handed in is not said afterwards


@dataclass(frozen=True)
class Standing:
    """A partner as an offer sees it. Whoever was here before papers were kept is not asked for any."""

    status: PartnerStatus
    checks_papers: bool
    papers: tuple[Paper, ...] = ()


def moves(status: PartnerStatus) -> frozenset[PartnerStatus]:
    """Where a partner may go from here; an ended one stays ended."""
    return MOVES.get(status, frozenset())


def is_covered(papers: Iterable[Paper], kind: PaperKind, category: str, day: date) -> bool:
    """Whether one paper of this kind counts on that day in Seoul."""
    return any(
        paper.kind is kind
        and (kind is not PaperKind.CERTIFICATE or paper.category == category)
        and paper.valid_from <= day <= paper.valid_until
        for paper in papers
    )


def bar(standing: Standing, category: str, at: datetime) -> str:
    """Why a partner gets no offer for work on this product line at that moment, or "" when they do."""
    if standing.status is not PartnerStatus.ACTIVE:
        return "partner_not_active"
    if not standing.checks_papers:
        return ""
    day = at.astimezone(SEOUL).date()
    for kind in (*FOR_ALL_WORK, PaperKind.CERTIFICATE):
        if not is_covered(standing.papers, kind, category, day):
            return f"no_{kind.value}"
    return ""


def may_become_active(papers: Sequence[Paper], at: datetime) -> bool:
    """Contract and insurance have to count on the day on which a partner becomes active."""
    day = at.astimezone(SEOUL).date()
    return all(is_covered(papers, kind, "", day) for kind in FOR_ALL_WORK)


def outlook(papers: Sequence[Paper], after: datetime) -> Outlook:
    """The next moment at which something is to be said of a paper that no newer one replaces."""
    found = [
        (at, event) for paper in papers if not _is_replaced(paper, papers)
        for at, event in _news(paper) if at > after and (paper.added_at is None or at > paper.added_at)
    ]  # fmt: skip
    if not found:
        return Outlook()
    first = min(at for at, _ in found)
    events = sorted((event for at, event in found if at == first), key=lambda event: event.paper_id)
    return Outlook(first, tuple(events))


def ends_at(valid_until: date) -> datetime:
    """The first moment at which a paper no longer counts: midnight in Seoul after its last day."""
    return datetime.combine(valid_until + timedelta(days=1), time(), SEOUL)


def _is_replaced(paper: Paper, papers: Sequence[Paper]) -> bool:
    """Another paper of the same sort takes over without a gap."""
    return any(
        (other.kind, other.category) == (paper.kind, paper.category)
        and (other.valid_until, other.id) > (paper.valid_until, paper.id)
        and other.valid_from <= paper.valid_until + timedelta(days=1)
        for other in papers
    )


def _news(paper: Paper) -> list[tuple[datetime, PaperEvent]]:
    days = {
        news: datetime.combine(paper.valid_until - timedelta(days=before), WARN_AT, SEOUL)
        for news, before in WARNINGS.items()
    }
    days[PaperNews.EXPIRED] = ends_at(paper.valid_until)
    return [
        (at, PaperEvent(paper.id, paper.kind, paper.category, news, paper.valid_until))
        for news, at in days.items()
    ]
