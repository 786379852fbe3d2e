"""The command centre: how many journeys run, whom they wait for, and what needs somebody now."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from sqlmodel import col
from starlette.responses import Response

from api.journeys.numbers import Numbers, ages_chart, flow_chart, numbers, waits_chart
from api.journeys.routing import router
from api.journeys.waits import Filters, Listed, WaitRow, listed, narrowed, row_of
from api.kit.desk import Desk, DeskAt
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import AGENTS
from models.journeys import OpenWait
from models.messages.journeys import WAITS, WaitFor

OLDEST = 5
PERIODS = (1, 7, 30)


@dataclass(frozen=True)
class CentrePage:
    """What the command centre shows."""

    now: datetime
    numbers: Numbers
    oldest: tuple[WaitRow, ...]
    listed: Listed
    filters: Filters

    @property
    def next(self) -> str:
        """The address of the next page of waits."""
        return self.filters.href(after=self.listed.next) if self.listed.next else ""

    @property
    def periods(self) -> list[tuple[str, str, bool]]:
        """How much time the curve shows."""
        names = {1: _("24 hours"), 7: _("7 days"), 30: _("30 days")}
        return [(names[days], self.filters.href(days=days), days == self.filters.days) for days in PERIODS]

    @property
    def whom(self) -> list[tuple[str, str, bool]]:
        """The filters by whom we wait for."""
        everybody = [(_("Everybody"), self.filters.href(who=None), self.filters.who is None)]
        return everybody + [
            (label_text(who, "waiting_for"), self.filters.href(who=who), who == self.filters.who)
            for who in WaitFor
        ]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """What one can wait for; a name in the sentence is left out."""
        return [
            (code, _(sentence, **dict.fromkeys(_places(sentence), "…"))) for code, sentence in WAITS.items()
        ]

    @property
    def charts(self) -> dict[str, Any]:
        """The pictures."""
        return {
            "flow": flow_chart(self.numbers.flow),
            "waits": waits_chart(self.numbers.waits),
            "ages": ages_chart(self.numbers.ages),
        }


def _places(sentence: str) -> list[str]:
    return [part.partition(")")[0] for part in sentence.split("%(")[1:]]


@router.get("/journeys", may=AGENTS)
async def index(
    request: Request,
    desk: Desk,
    who: WaitFor | None = None,
    what: Annotated[str, Query(max_length=40)] = "",
    overdue: bool = False,
    days: int = 1,
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the command centre."""
    filters = Filters(who, what if what in WAITS else "", overdue, days if days in PERIODS else 1, after)
    page = await centre_page(desk, filters)
    data = {"numbers": page.numbers, "waits": page.listed.rows, "next": page.next}
    return answer(request, "journeys/index.html", page, data=data)


async def centre_page(desk: DeskAt, filters: Filters) -> CentrePage:
    """Read everything that the page needs."""
    now = datetime.now(UTC)
    longest = narrowed(desk.visible(OpenWait), Filters(), now).order_by(col(OpenWait.since)).limit(OLDEST)
    found = (await desk.session.scalars(longest)).all()
    oldest = tuple(row_of(wait, desk.person, now) for wait in found)
    return CentrePage(
        now, await numbers(desk, now, filters.days), oldest, await listed(desk, filters, now), filters
    )
