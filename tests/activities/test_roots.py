"""Journeys that know a customer by an old id: their activities are given the one that is left."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.exceptions import ApplicationError

from activities.kit.roots import HELD, named, rooted
from activities.kit.transactions import transaction
from models.customers import Customer
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice
from models.messages.customers import SignupState, SignupStatus, SignupStep
from models.messages.journeys import Wait, WaitFor, WaitNotes
from tests.builders.desk import a_customer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ROOTS = {"cus_old": "cus_new"}


def test_a_customer_is_found_however_deep_it_stands() -> None:
    wait = Wait("k", "s", "", WaitFor.US, "answer", NOW, customer_id="cus_old")
    order = IssueInvoice(InvoiceOrder("I1", "T1", "cus_old", ("V1",), 14, 30), NOW)
    step = SignupStep("sgn_1", 1, NOW, WaitNotes((wait,)))

    assert list(named(order)) == ["cus_old"]
    assert rooted(order, ROOTS).order.customer_id == "cus_new"
    assert rooted(step, ROOTS).waits.opened[0].customer_id == "cus_new"
    other = SignupState(SignupStatus.DONE, "cus_other")
    assert rooted(other, ROOTS) is other
    assert rooted("cus_old", ROOTS) == "cus_old"  # a bare word may be anything


async def test_who_was_merged_between_the_look_and_the_work_is_looked_up_again(
    worker_engine: AsyncEngine,
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add(a_customer("cus_new"))
        await session.flush()
        session.add(a_customer("cus_old", root="cus_new"))
    mark = HELD.set(("cus_old",))
    try:
        with pytest.raises(ApplicationError) as failure:
            async with transaction(worker_engine) as session:
                await session.get_one(Customer, "cus_old")
    finally:
        HELD.reset(mark)

    assert not failure.value.non_retryable
    async with transaction(worker_engine) as session:  # whoever names nobody holds nobody
        assert (await session.get_one(Customer, "cus_old")).root == "cus_new"
