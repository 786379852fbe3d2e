"""Tickets of the sample company that belong together: told twice, with a sub-ticket, at rest for a while."""

from ops.walk import Walker

TWICE = (
    ("sample-remote-first", "리모컨으로 켜지지 않습니다", "본체 단추로는 켜집니다."),
    (
        "sample-remote-again",
        "리모컨이 아예 안 됩니다",
        "오전에 접수한 리모컨 건입니다. 음량 단추도 안 됩니다.",
    ),
)
PART = {
    "submission_key": "sample-remote-part", "subject": "새 리모컨 재고 확인", "kind": "task",
    "description": "창고에 같은 모델이 있는지 확인해 주세요.",
}  # fmt: skip


async def belong(walker: Walker, customer: str) -> None:
    """One matter told twice is merged, waits for a part of it, and rests until the customer answers."""
    first, again = [
        await walker.report(
            submission_key=key, customer_id=customer, owned_product_id="own_1", subject=subject,
            description=description, priority="p3",
        )
        for key, subject, description in TWICE
    ]  # fmt: skip
    for ticket in (first, again):
        await walker.until(ticket, "open")
    await walker.command(again, "merge", keeper_id=first)
    await walker.ask("agent", "POST", f"/tickets/{first}/parts", data=PART)
    await walker.command(first, "snooze", until="reply", is_past_deadline="true")
