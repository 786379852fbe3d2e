"""The whole first journey over HTTP against real processes: a fault becomes a visit and a paid invoice."""

import pytest

from tests.faults.stories import Story, walk
from tests.journeys.conftest import TEXTS, Walked


def test_the_ticket_is_closed_with_everything_that_belongs_to_it(walked: Walked) -> None:
    stood = walked.ask(
        "select t.status, t.is_over, v.status, v.outcome, i.status, i.total_minor > 0, a.status"
        " from tickets t join visits v on v.ticket_id = t.id join invoices i on i.ticket_id = t.id"
        " join payment_attempts a on a.invoice_id = i.id where t.id = %s",
        walked.ticket,
    )

    assert stood == [("closed", True, "completed", "repaired", "paid", True, "succeeded")]


def test_the_money_is_in_the_ledger_once(walked: Walked) -> None:
    total = walked.ask("select total_minor from invoices where ticket_id = %s", walked.ticket)[0][0]
    booked = walked.ask(
        "select t.purpose, sum(e.debit_minor), sum(e.credit_minor) from ledger_transactions t"
        " join ledger_entries e on e.transaction_id = t.id group by t.purpose order by t.purpose"
    )

    assert [purpose for purpose, *_ in booked] == ["issue", "payment"]
    assert all(debit == credit == total for _, debit, credit in booked)


def test_the_story_is_told_in_order_and_nobody_waits_any_more(walked: Walked) -> None:
    told = [
        sentence
        for (sentence,) in walked.ask(
            "select sentence from timeline_entries where ticket_id = %s order by at, id", walked.ticket
        )
    ]
    open_waits = walked.ask("select key from waits where ticket_id = %s and ended_at is null", walked.ticket)
    waiting = walked.ask("select count(*) from outbox where status = 'waiting'")

    assert told[0] == "tickets.received"
    assert {"billing.issued", "billing.paid", "tickets.rated"} <= set(told)
    assert open_waits == []
    assert waiting == [(0,)]


def test_photos_are_stored_under_names_that_say_nothing(walked: Walked) -> None:
    stored = [name for (name,) in walked.ask("select stored_as from attachments")]
    files = {path.name for path in (walked.site.folder / "files").iterdir()}

    assert len(stored) >= 2
    assert set(stored) == files
    assert all(len(name) == 32 and name.isalnum() for name in files)


async def test_the_customers_rating_is_shown_to_the_desk(walked: Walked) -> None:
    shown = await walked.walker.ask("agent", "GET", f"/tickets/{walked.ticket}")

    assert shown["stars"] == 4
    assert walked.ask("select comment from ticket_ratings") == [(TEXTS["rating"],)]


@pytest.mark.parametrize("kind", ["reopened", "cancelled"])
async def test_the_other_ways_end_as_they_should(walked: Walked, kind: str) -> None:
    story = Story({"reopened": 1, "cancelled": 2}[kind], kind, 1, "journey")

    ticket = await walk(walked.walker, story)

    assert await walked.walker.status(ticket) == story.end
