"""A day's collection: everybody is asked once, what is unclear is looked up, and card limits are kept."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.payments import ConsolePaymentGateway
from activities.payments.providers import Provider
from models.messages.payments import ChargeAnswer, Verdict
from models.messages.payments.collection import CollectionStatus
from tests.builders.collection import many_due
from tests.workflows.collecting import collecting


def console(*answers: ChargeAnswer) -> Provider:
    return Provider(ConsolePaymentGateway(), ConsoleBillingKeys(answers=list(answers)))


async def test_what_is_due_is_collected_and_receipted(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    invoices = await many_due(worker_engine, 3)
    async with collecting(worker_engine, temporal, gateway=console()) as house:
        assert await house.collect() is CollectionStatus.DONE

        assert await house.counted() == {"succeeded": 3}
        assert await house.counted("invoices") == {"paid": 3}
        assert sorted(house.post.sent) == [
            (f"charge:{one}.1:billing/receipt", "billing/receipt") for one in sorted(invoices)
        ]
        await house.all_is_well()
