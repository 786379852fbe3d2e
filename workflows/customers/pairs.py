"""Looking for duplicates: of one new customer at once, and of everybody at night."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.customers.pairs import PairActivities
    from models.messages.customers import PairSearch, PairsFound, PairSlice
    from workflows.kit.options import BATCH, ROWS

SLICES_OF_A_LIFE = 400  # then it goes on in a new one, so that no history grows too long


@workflow.defn(name="PairSearch")
class PairSearchWorkflow:
    """One customer who has just come, compared with those who share something."""

    @workflow.run
    async def run(self, asked: PairSearch) -> int:
        return await workflow.execute_activity_method(
            PairActivities.search, asked, summary="Look for records like this one", **ROWS
        )


@workflow.defn(name="PairNight")
class PairNightWorkflow:
    """Every night: all customers, slice by slice, each found again by what it shares with others."""

    @workflow.run
    async def run(self, scan: PairSlice | None = None) -> int:
        began = scan.at if scan else workflow.now()
        after = scan.after if scan else ""
        for number in range(SLICES_OF_A_LIFE):
            found: PairsFound = await workflow.execute_activity_method(
                PairActivities.scan,
                PairSlice(after, began),
                summary=f"Slice {number + 1} after {after}",
                **BATCH,
            )
            after = found.last
            if not after:
                break
        else:
            workflow.continue_as_new(PairSlice(after, began))
        return await workflow.execute_activity_method(
            PairActivities.end_scan, began, summary="Take what is no longer alike off the list", **ROWS
        )
