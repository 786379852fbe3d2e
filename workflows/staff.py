"""Inviting somebody who will work here: one letter with a one-time link."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.staff import StaffActivities
    from models.messages.letters import Delivery
    from models.messages.staff import Invite
    from workflows.kit.options import LETTER


@workflow.defn(name="Invitation")
class InvitationWorkflow:
    """One invitation, alive until its letter has left or a day is over."""

    @workflow.run
    async def run(self, invite: Invite) -> Delivery:
        """Send the letter; ids only, so that the history holds neither name nor address nor link."""
        return await workflow.execute_activity_method(
            StaffActivities.invite, invite, summary="Send the link to set a password", **LETTER
        )
