"""Every history ever recorded replays with today's code: a running life survives the next deploy."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

import worker
from activities.kit.runner import HouseRunner
from tests.desk import name_of
from tests.forgetful import ForgetfulTicketWorkflow
from workflows.kit.payloads import converter

HISTORIES = Path(__file__).parent / "histories"
KEYS = [("test", bytes(32))]


def replayer(*lives: type) -> Replayer:
    return Replayer(
        workflows=list(lives),
        data_converter=converter(KEYS),
        workflow_runner=HouseRunner(),
    )


def recorded(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


ALL = sorted(HISTORIES.glob("*/*.json"))


@pytest.mark.parametrize("path", ALL, ids=[f"{path.parent.name}/{path.stem}" for path in ALL])
async def test_a_recorded_life_replays(path: Path) -> None:
    await replayer(*worker.WORKFLOWS).replay_workflow(recorded(path))


@pytest.mark.parametrize("life", worker.WORKFLOWS, ids=name_of)
def test_every_life_has_a_recorded_history(life: type) -> None:
    assert list((HISTORIES / name_of(life)).glob("*.json"))


async def test_a_changed_branch_is_noticed() -> None:
    path = HISTORIES / "Ticket" / "silence_closes_with_a_note.json"

    with pytest.raises(NondeterminismError):
        await replayer(ForgetfulTicketWorkflow).replay_workflow(recorded(path))
