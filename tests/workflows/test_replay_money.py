"""Stored lives of invoices and charges still replay with today's code."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workflows.billing import InvoiceWorkflow
from workflows.kit.payloads import converter
from workflows.payments import (
    ChargeWorkflow,
    CollectionWorkflow,
    DepositWorkflow,
    PaymentMethodWorkflow,
    RefundWorkflow,
    TransferBatchWorkflow,
)

HISTORIES = Path(__file__).parent.parent / "histories"
LIVES_OF_MONEY = (
    "Invoice", "Charge", "Refund", "PaymentMethod", "Collection", "TransferBatch", "Deposit",
)  # fmt: skip
STORED = sorted(path for life in LIVES_OF_MONEY for path in (HISTORIES / life).glob("*.json"))


LIVES = [
    pytest.param(WorkflowHistory.from_json(path.stem, path.read_text()), id=f"{path.parent.name}/{path.stem}")
    for path in STORED
]


@pytest.mark.parametrize("life", LIVES)
async def test_a_stored_life_replays(life: WorkflowHistory) -> None:
    replayer = Replayer(
        workflows=[
            InvoiceWorkflow,
            ChargeWorkflow,
            RefundWorkflow,
            PaymentMethodWorkflow,
            CollectionWorkflow,
            TransferBatchWorkflow,
            DepositWorkflow,
        ],
        data_converter=converter([("test", bytes(32))]),
    )

    await replayer.replay_workflow(life)


def test_there_are_stored_lives_of_every_kind() -> None:
    assert {path.parent.name for path in STORED} == set(LIVES_OF_MONEY)
