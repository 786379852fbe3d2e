"""A ticket that an order or a return opens: it lives by itself and tells whoever asked how it ended."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from models.messages.tickets import FaultReport, TicketKind, ticket_workflow_id
    from workflows.kit.options import ROWS


async def open_ticket(
    case: str, customer_id: str, asked_by: str, kind: TicketKind, topic: str, device: str | None = None
) -> str:
    """Take the next number and start the ticket; its number."""
    number: str = await workflow.execute_activity_method(
        OrderActivities.ticket_number, summary="Take the number of a new ticket", **ROWS
    )
    fault = FaultReport(
        number, customer_id, workflow.now(), kind=kind, case_id=case, asked_by=asked_by,
        owned_product_id=device, topic=topic,
    )  # fmt: skip
    await workflow.start_child_workflow(
        "Ticket", fault, id=ticket_workflow_id(number),
        parent_close_policy=workflow.ParentClosePolicy.ABANDON, static_summary=f"{kind.value} for {case}",
    )  # fmt: skip
    return number
