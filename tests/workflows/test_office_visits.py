"""A request has a technician come to one of our own offices: by the same ticket and visit as a customer's."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import pytest
from temporalio.service import RPCError

from models.messages.employee_requests.items import VISIT_ENDED, Call, Case, Item, Lane, Step, StepKind, Wait
from models.messages.employee_requests.requests import CancelRequest, RequestStatus
from models.messages.field_service import Outcome, visit_workflow_id
from tests.builders import tickets as say
from tests.builders.items import a_task, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post, VisitAsTold
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import MAIL_QUEUE

POST = RequestPost()
_numbers = count(700_001, 10)  # tickets of all tests share one Temporal; a test opens several


@pytest.fixture
def stand_ins() -> StandIns:
    POST.__init__()  # type: ignore[misc]
    return StandIns([VisitAsTold], {MAIL_QUEUE: [Post().send, POST.write]})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, Systems(), POST, database.owner_url)
    await asking.settle_in()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("select setval('ticket_numbers', %s)", [next(_numbers)])
    return asking


def sending(what: str, named: str = "send", of: str = "") -> tuple[Step, ...]:
    """Somebody comes for it; when that does not help, IT does it by hand."""
    call = Call(
        "field_service", "send_somebody", {"person": "me.id", "site": "me.site", "what": f"'{what}'"},
        "call_off_visit",
    )  # fmt: skip
    by_hand = Case(f'steps.{named}.result.outcome != "done"', (a_task(f"{named}_by_hand"),))
    wait = Wait(event=VISIT_ENDED, of=of, at_most_days=30)
    return (
        Step(named, StepKind.CALL, texts(named), call=call),
        Step(f"{named}_came", StepKind.WAIT, texts("came"), wait=wait),
        Step(f"{named}_helped", StepKind.BRANCH, texts("helped"), cases=(by_hand,)),
    )


def a_fault() -> Item:
    """The printer is broken."""
    return an_item(*sending("the printer"))


def two_faults() -> Item:
    """The printer and the projector are broken, and somebody comes for each."""
    lanes = (
        Lane(texts("printer"), sending("the printer", "printer", "printer")),
        Lane(texts("projector"), sending("the projector", "projector", "projector")),
    )
    return an_item(Step("both", StepKind.PARALLEL, texts("both"), lanes=lanes))


async def ticket_of(asking: Asking, what: str = "the printer") -> Any:
    """The ticket that the request has opened, once it has sent somebody."""
    found: list[Any] = []

    async def is_there() -> bool:
        asked = "select * from tickets where case_id = :id and status = 'dispatched' and description = :what"
        found[:] = await asking.desk.rows(asked, id=asking.id, what=what)
        return bool(found)

    await asking.desk.until(is_there)
    return found[0]


async def ended(asking: Asking, ticket: Any, outcome: Outcome) -> None:
    visit = asking.desk.client.get_workflow_handle(visit_workflow_id(f"V{ticket.id[1:]}-1"))

    async def is_told() -> bool:
        try:
            await visit.signal("ended", outcome)
        except RPCError:
            return False
        return True

    await asking.desk.until(is_told)


async def test_a_request_has_somebody_come_and_hears_how_it_ended(asking: Asking) -> None:
    await asking.begin(a_fault())
    ticket = await ticket_of(asking)
    assert (ticket.kind, ticket.description, ticket.site_address) == ("installation", "the printer", "seoul")
    [customer] = await asking.desk.rows("select * from customers where id = :id", id=ticket.customer_id)
    assert customer.email == "emp_jane@example.test"

    await ended(asking, ticket, Outcome.REPAIRED)

    assert await asking.result() is RequestStatus.DONE
    assert "visit_done" in await asking.story()
    asked = "select result from request_steps where request_id = :id and path = '0'"
    [step] = await asking.desk.rows(asked, id=asking.id)
    assert step.result == {"ticket": ticket.id, "outcome": "done"}
    told = await asking.desk.rows("select sentence from timeline_entries where ticket_id = :id", id=ticket.id)
    assert "tickets.visited" in {line.sentence for line in told}
    assert await asking.desk.rows("select id from invoices") == []


async def test_visits_beside_each_other_are_told_apart(asking: Asking) -> None:
    await asking.begin(two_faults())
    printer = await ticket_of(asking)
    projector = await ticket_of(asking, "the projector")
    for path in ("0.0.1", "0.1.1"):
        await asking.until_step(path)

    await ended(asking, projector, Outcome.REPAIRED)
    await asking.until_step("0.1.2", "done")
    assert [(one[0], one[2]) for one in await asking.steps() if one[0].startswith("0.0")] == [
        ("0.0.0", "done"), ("0.0.1", "active"),
    ]  # fmt: skip
    assert (await asking.row()).status == "open"

    await ended(asking, printer, Outcome.REPAIRED)
    assert await asking.result() is RequestStatus.DONE
    asked = "select result from request_steps where request_id = :id and kind = 'call' order by path"
    found = [row.result for row in await asking.desk.rows(asked, id=asking.id)]
    assert found == [
        {"ticket": printer.id, "outcome": "done"}, {"ticket": projector.id, "outcome": "done"},
    ]  # fmt: skip


async def test_a_visit_that_does_not_help_is_seen_to_by_hand(asking: Asking) -> None:
    await asking.begin(a_fault())
    ticket = await ticket_of(asking)
    await ended(asking, ticket, Outcome.NOT_REPAIRABLE)
    agent = asking.desk.company

    async def is_asked() -> bool:
        found = await asking.desk.rows("select status from tickets where id = :id", id=ticket.id)
        return bool(found[0].status == "in_progress")

    await asking.desk.until(is_asked)
    handle = asking.desk.client.get_workflow_handle(f"ticket:{ticket.id}")
    await handle.execute_update("cancel", say.cancel(agent))
    await asking.until_story("visit_not_done")

    await asking.until_step("2.0.0")
    await asking.finish("2.0.0")
    assert await asking.result() is RequestStatus.DONE


async def test_a_request_that_is_called_off_calls_its_visit_off(asking: Asking) -> None:
    await asking.begin(a_fault())
    ticket = await ticket_of(asking)
    await asking.until_step("1")

    await asking.say("cancel", CancelRequest("off", "acc_emp_jane", datetime.now(UTC)))

    assert await asking.result() is RequestStatus.CANCELLED

    async def is_off() -> bool:
        found = await asking.desk.rows("select status from tickets where id = :id", id=ticket.id)
        return bool(found[0].status == "cancelled")

    await asking.desk.until(is_off)
    customers = await asking.desk.rows("select id from customers where email = 'emp_jane@example.test'")
    assert len(customers) == 1
