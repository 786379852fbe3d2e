"""Tryton itself, over the real line: one posted move per key, whatever becomes of the answers."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.connectors.accounting import HttpTryton
from activities.kit.calls import CallLog
from models.messages.billing.close import JournalEntry, JournalLine
from models.messages.billing.invoices import LedgerAccount
from models.rules.billing.close import CODES, differences
from tests.tryton import PASSWORD, RunningTryton, Wire, wired

_numbers = count(1)


@pytest.fixture
async def wire(erp: RunningTryton) -> AsyncIterator[Wire]:
    async with wired(erp) as wire:
        yield wire


@pytest.fixture
async def books(worker_engine: AsyncEngine, wire: Wire) -> AsyncIterator[HttpTryton]:
    line = HttpTryton(wire.url, wire.target.database, "ieum", PASSWORD, CallLog(worker_engine))
    yield line
    await line.close()


def an_entry(on: date = date(2026, 8, 31), amount: int = 1_234_567) -> JournalEntry:
    """A month's sums under a key of its own."""

    def line(account: LedgerAccount, debit: int, credit: int) -> JournalLine:
        return JournalLine(account, CODES[account], debit, credit, 3)

    tax = amount // 11
    return JournalEntry(f"test:{next(_numbers)}", on, (
        line(LedgerAccount.RECEIVABLE, amount, 0), line(LedgerAccount.RECEIVABLE, 0, amount // 2),
        line(LedgerAccount.GATEWAY, amount // 2, 0), line(LedgerAccount.REVENUE, 0, amount - tax),
        line(LedgerAccount.VAT, 0, tax),
    ))  # fmt: skip


async def test_a_batch_is_posted_with_its_sums_to_the_won(books: HttpTryton, erp: RunningTryton) -> None:
    entry = an_entry()

    number = await books.draft(entry)
    await books.post(number, entry.key)

    kept = await books.read(number, entry.key)
    assert kept.is_posted
    assert kept.number
    assert kept.sums == {
        "108": (1_234_567, 617_283),
        "120": (617_283, 0),
        "412": (0, 1_122_334),
        "255": (0, 112_233),
    }
    assert differences(entry, kept) == {}
    assert [one["state"] for one in erp.moves(entry.key)] == ["posted"]


async def test_asked_twice_it_is_the_same_move(books: HttpTryton, erp: RunningTryton) -> None:
    entry = an_entry()

    numbers = {await books.draft(entry), await books.draft(entry)}
    (number,) = numbers
    await books.post(number, entry.key)
    await books.post(number, entry.key)

    assert {await books.draft(entry)} == numbers
    assert len(erp.moves(entry.key)) == 1


@pytest.mark.parametrize("method", ["create", "post", "search_read", "login"])
async def test_an_answer_lost_after_acting_makes_nothing_twice(
    books: HttpTryton, wire: Wire, erp: RunningTryton, method: str
) -> None:
    entry = an_entry()
    wire.cut[method] = 1

    async def try_once() -> None:
        await books.post(await books.draft(entry), entry.key)

    with pytest.raises(ApplicationError) as unclear:
        await try_once()
    assert (unclear.value.type, unclear.value.non_retryable) == ("accounting_unclear", False)
    await try_once()  # what the activity's next attempt does

    assert +wire.cut == {}
    assert [one["state"] for one in erp.moves(entry.key)] == ["posted"]


async def test_a_draft_that_a_lost_answer_left_is_thrown_away_and_never_posted(
    books: HttpTryton, erp: RunningTryton
) -> None:
    entry = an_entry()
    number = await books.draft(entry)
    copy = erp.ask("model.account.move.copy", [number], {"description": entry.key})
    await books.post(number, entry.key)

    assert await books.draft(entry) == number
    assert await books.discard(entry.key, number) == len(copy) == 1
    assert [(one["id"], one["state"]) for one in erp.moves(entry.key)] == [(number, "posted")]


async def test_a_month_closed_in_the_erp_is_a_definite_no(books: HttpTryton, erp: RunningTryton) -> None:
    entry = an_entry(date(2025, 3, 31))
    erp.close_month("2025-03")
    with pytest.raises(ApplicationError) as refused:
        await books.draft(entry)

    assert refused.value.type == "erp_refused"
    assert refused.value.non_retryable
    assert erp.moves(entry.key) == []

    erp.close_month("2025-03", reopen=True)
    await books.post(await books.draft(entry), entry.key)
    assert [one["state"] for one in erp.moves(entry.key)] == ["posted"]


async def test_a_year_that_the_erp_does_not_know_and_a_missing_account_are_refused(books: HttpTryton) -> None:
    with pytest.raises(ApplicationError, match=r"0 of account\.period"):
        await books.draft(an_entry(date(1999, 3, 31)))
    strange = JournalEntry("test:strange", date(2026, 8, 31), (
        JournalLine(LedgerAccount.REVENUE, "999", 5, 0, 1), JournalLine(LedgerAccount.VAT, "255", 0, 5, 1),
    ))  # fmt: skip
    with pytest.raises(ApplicationError, match="no account 999"):
        await books.draft(strange)


async def test_a_wrong_sum_in_the_erp_shows_as_a_difference_by_account(books: HttpTryton) -> None:
    entry, other = an_entry(amount=11_000), an_entry(amount=22_000)
    number = await books.draft(other)

    kept = await books.read(number, other.key)

    assert differences(entry, kept) == {"108": 5_500, "120": 5_500, "255": -1_000, "412": -10_000}


async def test_while_it_is_away_every_call_fails_and_is_logged(
    books: HttpTryton, wire: Wire, worker_engine: AsyncEngine
) -> None:
    wire.is_down = True
    with pytest.raises(ApplicationError) as away:
        await books.draft(an_entry())

    assert away.value.type == "accounting_unclear"
    async with worker_engine.connect() as connection:
        rows = (await connection.execute(text("select system, operation, result from system_calls"))).all()
    assert [tuple(row) for row in rows] == [("accounting", "sign_in", "unknown")]


async def test_a_wrong_password_is_no_clear_answer(worker_engine: AsyncEngine, erp: RunningTryton) -> None:
    line = HttpTryton(erp.url, erp.database, "ieum", "wrong", CallLog(worker_engine))
    with pytest.raises(ApplicationError) as unclear:
        await line.draft(an_entry())
    assert unclear.value.type == "accounting_unclear"
    await line.close()
