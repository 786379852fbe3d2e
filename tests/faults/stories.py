"""The journeys that are walked under faults: what is reported, and how each of them ends."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from ops.company import CHECKS
from ops.walk import Said, Walker
from tests.faults.site import CUSTOMERS

STEPS = tuple(code for code, (_, _, required) in CHECKS.items() if required)
# Of a hundred journeys so many; the rest ends in one of the ways in which things go wrong.
SHARES = (("paid", 36), ("warranty", 30), ("remote", 20), ("cancelled", 3), ("called_off", 3),
          ("reopened", 4), ("refused", 4))  # fmt: skip
ENDS = {"cancelled": "cancelled", "called_off": "cancelled"}
BILLED = frozenset({"paid", "refused"})


@dataclass(frozen=True)
class Story:
    """One journey to walk."""

    number: int
    kind: str
    customer: int
    run: str

    @property
    def end(self) -> str:
        """How its ticket stands when it is over."""
        return ENDS.get(self.kind, "closed")

    @property
    def key(self) -> str:
        """The form's key: sent again it is the same ticket."""
        return f"{self.run}-{self.number}"


def stories(
    count: int, seed: int, kinds: Sequence[tuple[str, int]] = SHARES, run: str = "fault"
) -> list[Story]:
    """So many journeys in fixed shares, shuffled by the seed."""
    dice = random.Random(seed)
    named = [kind for kind, share in kinds for _ in range(share)]
    chosen = [named[number * len(named) // count] for number in range(count)]
    dice.shuffle(chosen)
    return [Story(number, kind, dice.randrange(CUSTOMERS), run) for number, kind in enumerate(chosen)]


async def walk(walker: Walker, story: Story) -> str:
    """Walk one journey to its end, as its people would; its ticket."""
    warranty = "in" if story.kind == "warranty" else "out"
    ticket = await walker.report(
        submission_key=story.key, customer_id=f"cus_f{story.customer}",
        owned_product_id=f"own_{warranty}_{story.customer}", subject=f"고장 {story.key}",
        description="화면이 나오지 않습니다.", priority="p3",
    )  # fmt: skip
    await walker.until(ticket, "open")
    await walker.command(ticket, "assignment", agent_id="acc_agent")
    if story.kind == "cancelled":
        await walker.command(ticket, "cancellation", reason="고객이 원인을 찾았습니다.")
    elif story.kind in ("remote", "reopened"):
        await _solve(walker, ticket, story)
    else:
        await _visit(walker, ticket, story)
    await walker.until(ticket, story.end)
    return ticket


async def _solve(walker: Walker, ticket: str, story: Story) -> None:
    await walker.command(ticket, "resolution", done="설정을 초기화했습니다.")
    if story.kind == "reopened":
        await walker.reopen(ticket, "아직도 안 됩니다.")
        await walker.command(ticket, "resolution", done="다시 설정했습니다.")
    await walker.confirm(ticket, seen=1 if story.kind == "reopened" else 0)


async def _visit(walker: Walker, ticket: str, story: Story) -> None:
    await walker.command(ticket, "visit")
    visit = f"V{ticket[1:]}-1"
    who = await walker.offered(visit)
    await walker.line(who, visit, "accept")
    if story.kind == "called_off":
        await walker.command(ticket, "cancellation", reason="고객이 원하지 않습니다.")
        return
    await walker.choose_time(ticket, visit, nth=story.number % 40)
    await walker.repair(who, visit, STEPS, ("prt_panel",))
    await walker.until(ticket, "resolved")
    await walker.confirm(ticket)
    if story.kind in BILLED:
        await walker.until(ticket, "payment_due", "closed")
        if story.kind == "refused":
            await walker.pay(ticket, card="refuse")
        for _ in range(9):  # paid again when it was refused, until the page says that it is paid
            if await walker.pay(ticket):
                break


__all__ = ["BILLED", "SHARES", "Said", "Story", "stories", "walk"]
