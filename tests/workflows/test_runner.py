"""The house's sandbox: every payload says whose life it is part of, so what is confidential stays closed."""

from collections.abc import Iterator

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.kit.runner import HouseRunner
from tests.workflows.lives import Parent, echo
from workflows.kit.payloads import life_of


def sealed(message: Message) -> Iterator[Payload]:
    """Every sealed payload anywhere in a message."""
    if isinstance(message, Payload):
        if message.metadata.get("encoding") == b"binary/encrypted":
            yield message
        return
    for kind, value in message.ListFields():
        if kind.message_type is None:
            continue
        if kind.message_type.GetOptions().map_entry:
            parts = [part for part in value.values() if isinstance(part, Message)]
        else:
            parts = list(value) if kind.is_repeated else [value]
        for part in parts:
            yield from sealed(part)


async def whose(temporal: WorkflowEnvironment, life: str) -> list[str]:
    """Whose life each sealed payload in a history says it is part of."""
    history = await temporal.client.get_workflow_handle(life).fetch_history()
    return [life_of(one) for event in history.events for one in sealed(event)]


async def test_every_payload_says_whose_life_it_is_part_of(temporal: WorkflowEnvironment) -> None:
    async with Worker(
        temporal.client, task_queue="lives", workflows=[Parent], activities=[echo],
        workflow_runner=HouseRunner(),
    ):  # fmt: skip
        await temporal.client.execute_workflow(Parent.run, "hello", id="request:R1", task_queue="lives")

    of_parent, of_child = await whose(temporal, "request:R1"), await whose(temporal, "request:R1:child")

    # its start, what it asked for and was answered, its end; what it told its child is sealed for the child
    assert of_parent.count("request:R1") >= 5
    assert set(of_parent) == {"request:R1", "request:R1:child"}
    assert len(of_child) >= 5
    assert set(of_child) == {"request:R1:child"}
