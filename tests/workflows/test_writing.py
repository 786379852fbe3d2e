"""A ticket on which people write: templates that act, followers who are told, fields at the end."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.messages.tickets import TicketStatus
from models.messages.tickets.writing import FieldKind, FollowReason, Macro, TemplateUse
from models.tickets.writing import ClosingField, FieldValue, ReplyTemplate, TicketFollower
from tests.builders import tickets as say
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

NOW = datetime.now(UTC)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})


async def stored(desk: RunningDesk, *rows: object) -> None:
    async with AsyncSession(desk.engine) as session, session.begin():
        for row in rows:
            session.add(row)
            await session.flush()


async def test_a_template_acts_followers_are_told_and_nothing_ends_with_a_gap(
    desk: RunningDesk, post: Post
) -> None:
    ticket, company = await desk.report(), desk.company
    written = {"written_by": company.agent_id, "written_at": NOW}
    await stored(
        desk,
        ReplyTemplate(key="hand", name_ko="인계", name_en="Hand over", body_ko="x", body_en="x", **written),
        ClosingField(key="cause", name_ko="원인", name_en="Cause", kind=FieldKind.NUMBER, **written),
        TicketFollower(
            ticket_id=ticket.id, account_id=company.colleague_id, reason=FollowReason.SELF,
            added_by=company.colleague_id, since=NOW,
        ),
    )  # fmt: skip
    message = await desk.store(say.a_message(ticket.id))
    sets = {"priority": "p2", "team": company.other_team_id, "tag": "handed"}
    macro = Macro(
        uuid4().hex, company.agent_id, NOW, template_key="hand", use=TemplateUse.REPLY, message_id=message,
        sets=sets, takes=True,
    )  # fmt: skip

    assert await desk.say(ticket, "macro", macro) is TicketStatus.WAITING_CUSTOMER

    row = await desk.row(ticket)
    assert (row.priority, row.team_id, row.tags) == ("p2", company.other_team_id, ["handed"])
    assert (await desk.state(ticket)).agent_id == company.agent_id
    await desk.until_equal(lambda: followed(post, ticket.id), [(company.colleague_id, "tickets.replied")])
    done = await desk.store(say.a_message(ticket.id))
    assert await desk.refusal(ticket, "resolve", say.resolve(company, done)) == "fields_missing"
    assert await desk.refusal(ticket, "cancel", say.cancel(company)) is None
    assert await desk.has_status(ticket, TicketStatus.CANCELLED)
    assert await desk.result(ticket) is TicketStatus.CANCELLED


async def followed(post: Post, ticket_id: str) -> list[tuple[str, str]]:
    """Whom letters to followers were for, and what they told."""
    return [
        (letter.account_id, letter.values["happened"])
        for letter in post.sent
        if letter.ticket_id == ticket_id and letter.template == "tickets/followed"
    ]


async def test_a_ticket_ends_once_what_has_to_be_known_is_known(desk: RunningDesk, post: Post) -> None:
    ticket, company = await desk.report(), desk.company
    written = {"written_by": company.agent_id, "written_at": NOW}
    await stored(
        desk,
        ClosingField(
            key="cause", name_ko="원인", name_en="Cause", kind=FieldKind.YES_NO, asked_at="both", **written
        ),
    )
    message = await desk.store(say.a_message(ticket.id))
    for update, order in (
        ("resolve", say.resolve(company, message)), ("cancel", say.cancel(company)),
    ):  # fmt: skip
        assert await desk.refusal(ticket, update, order) == "fields_missing"
    assert await desk.has_status(ticket, TicketStatus.OPEN)

    await stored(desk, FieldValue(ticket_id=ticket.id, field_key="cause", value="yes", **written))
    assert await desk.say(ticket, "resolve", say.resolve(company, message)) is TicketStatus.RESOLVED
    assert await desk.say(ticket, "confirm", say.confirmation(company)) is TicketStatus.CLOSED
    assert await desk.result(ticket) is TicketStatus.CLOSED
