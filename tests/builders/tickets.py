"""Tickets and what people say about them, with good defaults."""

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.kit.ids import ticket_id
from models.kit.outbox import announce_start
from models.messages.tickets import (
    Assign,
    Cancel,
    Channel,
    Confirmation,
    Dispatch,
    FaultReport,
    MessageKind,
    Priority,
    Reopening,
    Reply,
    Resolve,
    ServiceLevel,
    Sort,
    ticket_workflow_id,
)
from models.messages.tickets.kin import Merge, Snooze, Split, Unmerge, Wake
from models.tickets import Ticket, TicketMessage
from tests.builders.desk import Company

_numbers = count(500_001)  # ids are unique in a test run: all tests share one Temporal


def a_ticket(company: Company, **facts: object) -> Ticket:
    now = datetime.now(UTC)
    id = ticket_id(next(_numbers))
    defaults = {
        "id": id, "submission_key": f"key-{id}", "customer_id": company.customer_id,
        "owned_product_id": company.owned_product_id, "channel": Channel.PORTAL, "subject": "No picture",
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    return Ticket(**{**defaults, **facts})


def a_fault(ticket: Ticket, **promises: int) -> FaultReport:
    level = ServiceLevel(**promises)
    return FaultReport(ticket.id, ticket.customer_id, ticket.created_at, level)


def a_message(ticket_id: str, kind: MessageKind = MessageKind.REPLY) -> TicketMessage:
    return TicketMessage(
        id=f"msg_{uuid4().hex}", ticket_id=ticket_id, kind=kind, channel=Channel.EMAIL,
        body="Please restart it.", created_at=datetime.now(UTC),
    )  # fmt: skip


async def a_reported_fault(engine: AsyncEngine, company: Company, **promises: int) -> Ticket:
    """A ticket as the api makes it: row and outbox line in one transaction."""
    ticket = a_ticket(company)
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add(ticket)
        await session.flush()
        fault = a_fault(ticket, **promises)
        await announce_start(session, "Ticket", ticket_workflow_id(ticket.id), fault, summary=ticket.id)
    return ticket


def _facts(actor_id: str, actor_kind: str) -> dict[str, object]:
    return {"id": uuid4().hex, "actor_id": actor_id, "at": datetime.now(UTC), "actor_kind": actor_kind}


def assign(company: Company, agent_id: str | None = None, **facts: object) -> Assign:
    return Assign(**{**_facts(company.agent_id, "staff"), "agent_id": agent_id or company.agent_id, **facts})


def sort(company: Company, priority: str = "", **facts: object) -> Sort:
    given = {"priority": Priority(priority) if priority else None, **facts}
    return Sort(**{**_facts(company.agent_id, "staff"), **given})


def reply(company: Company, message_id: str, **facts: object) -> Reply:
    return Reply(**{**_facts(company.agent_id, "staff"), "message_id": message_id, **facts})


def resolve(company: Company, message_id: str = "msg", **facts: object) -> Resolve:
    return Resolve(**{**_facts(company.agent_id, "staff"), "message_id": message_id, **facts})


def dispatch(company: Company, **facts: object) -> Dispatch:
    return Dispatch(**{**_facts(company.agent_id, "staff"), **facts})


def cancel(company: Company, actor_kind: str = "staff", **facts: object) -> Cancel:
    actor = company.agent_id if actor_kind == "staff" else company.customer_id
    return Cancel(**{**_facts(actor, actor_kind), "reason": "not needed", **facts})


def confirmation(company: Company) -> Confirmation:
    return Confirmation(**_facts(company.customer_id, "customer"))


def reopening(company: Company, **facts: object) -> Reopening:
    return Reopening(**{**_facts(company.customer_id, "customer"), **facts})


def merge(company: Company, keeper: Ticket, **facts: object) -> Merge:
    return Merge(**{**_facts(company.agent_id, "staff"), "keeper_id": keeper.id, **facts})


def unmerge(company: Company) -> Unmerge:
    return Unmerge(**_facts(company.agent_id, "staff"))


def split(company: Company, *message_ids: str, subject: str = "Something else") -> Split:
    facts = {"message_ids": message_ids, "subject": subject}
    return Split(**{**_facts(company.agent_id, "staff"), **facts})


def snooze(company: Company, until: datetime | None = None, *, knows: bool = False) -> Snooze:
    facts = {"until": until, "is_past_deadline": knows}
    return Snooze(**{**_facts(company.agent_id, "staff"), **facts})


def wake(company: Company) -> Wake:
    return Wake(**_facts(company.agent_id, "staff"))
