"""Lives that carry payloads in every way, for the tests of the house's sandbox."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn(name="lives.echo")
async def echo(said: str) -> str:
    """Say it again."""
    return said


@workflow.defn(name="Parent")
class Parent:
    """Asks for something in each way that carries a payload, and tells a child."""

    def __init__(self) -> None:
        self.heard = ""

    @workflow.run
    async def run(self, said: str) -> str:
        """One of each: from the queue, on the spot, by a child, by a signal to it."""
        quick = timedelta(seconds=10)
        first = await workflow.execute_activity(echo, said, start_to_close_timeout=quick)
        second = await workflow.execute_local_activity(echo, first, start_to_close_timeout=quick)
        if said.startswith("child"):
            await workflow.wait_condition(lambda: bool(self.heard))
            return second
        this = workflow.info().workflow_id
        child = await workflow.start_child_workflow(Parent.run, f"child of {said}", id=f"{this}:child")
        await child.signal(Parent.tell, said)
        return await child

    @workflow.signal
    def tell(self, said: str) -> None:
        """What the parent says."""
        self.heard = said
