"""A stand-in for whoever asked for an invoice."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.billing.invoices import InvoiceSettled, InvoiceStatus
    from models.messages.payments import RefundSettled, RefundStatus


@workflow.defn(name="ListeningTicket")
class ListeningTicket:
    """Whoever asked for the invoice, as far as an invoice knows it: it hears how things stand."""

    def __init__(self) -> None:
        self.heard: list[InvoiceStatus] = []
        self.refunds: list[RefundStatus] = []
        self.may_go = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.may_go)

    @workflow.signal
    def invoice_settled(self, fact: InvoiceSettled) -> None:
        self.heard.append(fact.status)

    @workflow.signal
    def refund_settled(self, fact: RefundSettled) -> None:
        self.refunds.append(fact.status)

    @workflow.query
    def refunded(self) -> list[RefundStatus]:
        return self.refunds

    @workflow.query
    def what(self) -> list[InvoiceStatus]:
        return self.heard
