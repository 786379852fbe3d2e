"""People who work here: the letter that invites somebody, and keeping in step with the HR system."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.staff import PeopleDayActivities, PeopleFeedActivities, StaffActivities
    from models.messages.letters import Delivery
    from models.messages.staff import Invite, NewsTaken, PeopleMoment, PeopleSynced
    from workflows.kit.options import HR, LETTER, ROWS
    from workflows.kit.schedules import SEOUL

MOST_PAGES = 500  # of one run; the next minute goes on where this one ended


@workflow.defn(name="Invitation")
class InvitationWorkflow:
    """One invitation, alive until its letter has left or a day is over."""

    @workflow.run
    async def run(self, invite: Invite) -> Delivery:
        """Send the letter; ids only, so that the history holds neither name nor address nor link."""
        return await workflow.execute_activity_method(
            StaffActivities.invite, invite, summary="Send the link to set a password", **LETTER
        )


@workflow.defn(name="PeopleSync")
class PeopleSyncWorkflow:
    """Called every half minute: the HR system's news, who begins or has left, whose approvals move.

    An HR system that does not answer holds up only its own news: the calendar and delegations go on."""

    @workflow.run
    async def run(self) -> PeopleSynced:
        moment = PeopleMoment(workflow.now(), workflow.now().astimezone(SEOUL).date())
        is_heard, taken = await self.listen(moment)
        turned = await workflow.execute_activity_method(
            PeopleDayActivities.turn_day, moment, summary="Who begins, who has left", **ROWS
        )
        retargeted = await workflow.execute_activity_method(
            PeopleDayActivities.retarget, moment, summary="Approvals that somebody else must decide", **ROWS
        )
        records, newer = sum(one.records for one in taken), sum(one.newer for one in taken)
        return PeopleSynced(is_heard, records, newer, turned, retargeted)

    async def listen(self, moment: PeopleMoment) -> tuple[bool, list[NewsTaken]]:
        """Take page after page until the feed ends; whether it answered to the end."""
        taken: list[NewsTaken] = []
        while len(taken) < MOST_PAGES:
            try:
                page = await workflow.execute_activity_method(
                    PeopleFeedActivities.take_news,
                    moment,
                    summary="The next page of the HR system's news",
                    **HR,
                )
            except ActivityError:
                workflow.logger.warning("the HR system does not answer")
                return False, taken
            taken.append(page)
            if not page.has_more:
                break
        return True, taken
