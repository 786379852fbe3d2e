"""Who is offered work and who is left out, one holder for each visit, and what a step of a partner writes."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from activities.connectors.mail import ConsoleMail
from activities.field_service import FieldServiceActivities
from activities.partners import PartnerActivities, PartnerLetterActivities
from models.field_service import PassedOver, Visit, VisitOffer
from models.messages.field_service import Assignment, OfferStatus, RankRequest, VisitStatus
from models.messages.letters import Delivery
from models.messages.partners import (
    OutlookRequest,
    PaperEvent,
    PaperKind,
    PaperNews,
    PaperWarning,
    PartnerChange,
    PartnerStatus,
)
from models.messages.staff import Role
from models.messages.tickets import Channel, TicketStatus
from models.partners import Partner, PartnerStep
from models.staff import Account
from models.systems import OutboxItem, SentMessage
from models.tickets import Ticket
from tests.builders.field_service import a_faulty_device, a_technician, a_visit, store
from tests.builders.partners import FAR, LONG_AGO, a_company, a_paper, a_partner

SEOUL = ZoneInfo("Asia/Seoul")


async def passed(engine: AsyncEngine) -> dict[str, str]:
    async with AsyncSession(engine) as session:
        return {one.technician_id: one.reason for one in await session.scalars(select(PassedOver))}


async def test_who_may_not_be_asked_is_left_out_with_the_reason(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "own")
    await a_visit(worker_engine, order)
    suspended = a_company("halted", "halted")
    suspended[0] = a_partner("halted", PartnerStatus.SUSPENDED)
    await store(
        worker_engine, *a_company("good", "good"), *suspended,
        *a_company("bare", "bare", without=(PaperKind.INSURANCE,)),
        *a_company("other", "other", without=(PaperKind.CERTIFICATE,)),
        a_paper("other", PaperKind.CERTIFICATE, category="washer"),
        a_partner("old", checks_papers=False), *a_technician("old", partner_id="par_old"),
    )  # fmt: skip
    acts = FieldServiceActivities(worker_engine)

    for _again in range(2):
        found = await acts.rank(RankRequest(order.visit_id, datetime.now(UTC)))

        assert {one.technician_id for one in found} == {"tech_own", "tech_good", "tech_old"}
        assert await passed(worker_engine) == {
            "tech_halted": "partner_not_active", "tech_bare": "no_insurance", "tech_other": "no_certificate",
        }  # fmt: skip


async def test_who_could_not_do_it_anyway_is_not_said_to_be_left_out(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine)
    await a_visit(worker_engine, order)
    await store(
        worker_engine, a_partner("halted", PartnerStatus.SUSPENDED),
        *a_technician("far", partner_id="par_halted", territories=["jeju"]),
        *a_technician("unable", partner_id="par_halted", skills=["washer"]),
    )  # fmt: skip

    assert (
        await FieldServiceActivities(worker_engine).rank(RankRequest(order.visit_id, datetime.now(UTC))) == ()
    )
    assert await passed(worker_engine) == {}


@pytest.mark.parametrize(
    ("clock", "asked"), [((2027, 3, 31, 23, 59), {"tech_ann"}), ((2027, 4, 1, 0, 0), set())]
)
async def test_a_certificate_that_expires_at_midnight_stops_offers_at_midnight(
    worker_engine: AsyncEngine, clock: tuple[int, ...], asked: set[str]
) -> None:
    order = await a_faulty_device(worker_engine)
    await a_visit(worker_engine, order)
    await store(
        worker_engine, *a_company("ann", "ann", without=(PaperKind.CERTIFICATE,)),
        a_paper("ann", PaperKind.CERTIFICATE, valid_from=LONG_AGO, valid_until=date(2027, 3, 31)),
    )  # fmt: skip
    at = datetime(*clock, tzinfo=SEOUL)  # type: ignore[misc]

    found = await FieldServiceActivities(worker_engine).rank(RankRequest(order.visit_id, at))

    assert {one.technician_id for one in found} == asked


async def offered(engine: AsyncEngine, many: int) -> None:
    """So many visits, each with one open offer to tech_a0 of a company that also has tech_a1."""
    order = await a_faulty_device(engine)
    await store(engine, *a_company("a", "a0", "a1"), *a_company("b", "b0"))
    now = datetime.now(UTC)
    tickets = [
        {
            "id": f"T9{n:05}", "submission_key": f"many-{n}", "customer_id": order.customer_id,
            "owned_product_id": f"own_{order.ticket_id[1:]}", "channel": Channel.PORTAL, "subject": "x",
            "status": TicketStatus.DISPATCHED, "created_at": now, "updated_at": now,
        }
        for n in range(many)
    ]  # fmt: skip
    visits = [
        {"id": f"V9{n:05}-1", "ticket_id": f"T9{n:05}", "customer_id": order.customer_id,
         "status": VisitStatus.SEARCHING, "created_at": now}
        for n in range(many)
    ]  # fmt: skip
    offers = [
        {"visit_id": f"V9{n:05}-1", "ordinal": 1, "technician_id": "tech_a0", "offered_at": now,
         "expires_at": now + timedelta(hours=1)}
        for n in range(many)
    ]  # fmt: skip
    async with AsyncSession(engine) as session, session.begin():
        for model, rows in ((Ticket, tickets), (Visit, visits), (VisitOffer, offers)):
            session.add_all([model(**row) for row in rows])
            await session.flush()


async def test_a_thousand_double_accepts_have_a_thousand_holders(worker_engine: AsyncEngine) -> None:
    """Two dispatchers take the same offer at the same instant, each for another technician."""
    many = 1000
    await offered(worker_engine, many)
    acts, room = FieldServiceActivities(worker_engine), asyncio.Semaphore(6)

    async def take(visit: str, assignee: str) -> str:
        async with room:
            try:
                await acts.assign(Assignment(visit, 1, "tech_a0", assignee, datetime.now(UTC)))
            except ApplicationError as refusal:
                return refusal.type or ""
            return assignee

    asked = [take(f"V9{n:05}-1", one) for n in range(many) for one in ("tech_a0", "tech_a1")]
    answers = await asyncio.gather(*asked)

    for n, both in enumerate(zip(answers[::2], answers[1::2], strict=True)):
        # The second may find the first one's technician in its place and be refused, never take it too.
        assert sorted(one == "offer_gone" for one in both) == [False, True], (n, both)
    async with AsyncSession(worker_engine) as session:
        rows = (await session.scalars(select(VisitOffer).where(col(VisitOffer.visit_id).like("V9%")))).all()
    assert Counter(row.status for row in rows) == {OfferStatus.ACCEPTED: many}
    held = {row.visit_id: row.assigned_to for row in rows}
    assert held == {
        f"V9{n:05}-1": next(one for one in answers[2 * n : 2 * n + 2] if one != "offer_gone")
        for n in range(many)
    }


async def test_only_a_company_s_own_people_are_sent(worker_engine: AsyncEngine) -> None:
    await offered(worker_engine, 1)
    await store(
        worker_engine, *a_technician("house"), *a_technician("gone", partner_id="par_a", is_active=False)
    )
    acts = FieldServiceActivities(worker_engine)
    for assignee in ("tech_b0", "tech_house", "tech_gone", "tech_nobody"):
        with pytest.raises(ApplicationError) as refused:
            await acts.assign(Assignment("V900000-1", 1, "tech_a0", assignee, datetime.now(UTC)))
        assert refused.value.type == "not_of_company", assignee

    with pytest.raises(ApplicationError) as strange:
        await acts.assign(Assignment("V900000-1", 1, "tech_b0", "tech_b0", datetime.now(UTC)))
    assert strange.value.type == "offer_gone"

    for _again in range(2):
        await acts.assign(Assignment("V900000-1", 1, "tech_a0", "tech_a1", datetime.now(UTC)))


async def test_nobody_is_sent_for_work_that_their_papers_do_not_cover(worker_engine: AsyncEngine) -> None:
    await offered(worker_engine, 1)
    late = datetime.combine(FAR, datetime.min.time(), SEOUL) + timedelta(days=1)

    with pytest.raises(ApplicationError) as refused:
        await FieldServiceActivities(worker_engine).assign(
            Assignment("V900000-1", 1, "tech_a0", "tech_a1", late)
        )

    assert refused.value.type == "not_of_company"


async def test_suspension_takes_back_open_offers_and_says_who_and_why(worker_engine: AsyncEngine) -> None:
    await offered(worker_engine, 2)
    change = PartnerChange(
        "par_a", 1, datetime.now(UTC), PartnerStatus.SUSPENDED, "partners.suspended", actor_id="acc_chief",
        reason="늦은 출발이 잦음", moves=True, takes_back=True,
    )  # fmt: skip
    acts = PartnerActivities(worker_engine)

    for _again in range(2):
        await acts.record(change)

    async with AsyncSession(worker_engine) as session:
        partner = await session.get_one(Partner, "par_a")
        told = (
            await session.scalars(select(OutboxItem).where(col(OutboxItem.name) == "withdraw_offer"))
        ).all()
        steps = (await session.scalars(select(PartnerStep))).all()
    assert (partner.status, partner.status_by, partner.status_reason) == (
        PartnerStatus.SUSPENDED, "acc_chief", "늦은 출발이 잦음",
    )  # fmt: skip
    assert {one.workflow_id for one in told} == {"visit:V900000-1", "visit:V900001-1"}
    assert [(one.sentence, one.actor_id, one.details) for one in steps] == [
        ("partners.suspended", "acc_chief", {"reason": "늦은 출발이 잦음"})
    ]


@pytest.mark.parametrize(("category", "told"), [("tv", 1), ("washer", 0)])
async def test_an_expired_certificate_takes_back_only_offers_that_need_it(
    worker_engine: AsyncEngine, category: str, told: int
) -> None:
    await offered(worker_engine, 1)
    paper = a_paper("a", PaperKind.CERTIFICATE, category=category, valid_until=date(2027, 3, 31))
    await store(worker_engine, paper)
    event = PaperEvent(paper.id, PaperKind.CERTIFICATE, category, PaperNews.EXPIRED, date(2027, 3, 31))

    await PartnerActivities(worker_engine).record(
        PartnerChange("par_a", 1, datetime.now(UTC), PartnerStatus.ACTIVE, "partners.paper_expired",
                      paper=event, takes_back=True)
    )  # fmt: skip

    async with AsyncSession(worker_engine) as session:
        found = (
            await session.scalars(select(OutboxItem).where(col(OutboxItem.name) == "withdraw_offer"))
        ).all()
    assert len(found) == told


async def test_nobody_becomes_active_without_contract_and_insurance(worker_engine: AsyncEngine) -> None:
    await store(worker_engine, *a_company("bare", without=(PaperKind.INSURANCE,)), *a_company("whole"))
    acts = PartnerActivities(worker_engine)

    with pytest.raises(ApplicationError) as refused:
        await acts.check_papers(OutlookRequest("par_bare", datetime.now(UTC)))
    await acts.check_papers(OutlookRequest("par_whole", datetime.now(UTC)))

    assert refused.value.type == "papers_missing"


@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_a_letter_about_a_paper_goes_to_the_partner_s_people_once(
    worker_engine: AsyncEngine, locale: str
) -> None:
    now = datetime.now(UTC)
    await store(
        worker_engine, a_partner("ann"), paper := a_paper("ann", PaperKind.INSURANCE),
        Account(id="acc_ann", login="ann@partner.example", name="안", locale=locale, created_at=now,
                roles=[Role.PARTNER_DISPATCHER], partner_id="par_ann"),
    )  # fmt: skip
    mail = ConsoleMail()
    acts = PartnerLetterActivities(worker_engine, mail, "http://localhost:8000")
    event = PaperEvent(paper.id, PaperKind.INSURANCE, "", PaperNews.WEEK, date(2027, 3, 31))

    for _again in range(2):
        assert await acts.warn(PaperWarning("par_ann", event)) is Delivery.MAIL

    async with AsyncSession(worker_engine) as session:
        sent = (await session.scalars(select(SentMessage.key))).all()  # type: ignore[call-overload]
    assert sent == [f"paper:{paper.id}:week:acc_ann"]
