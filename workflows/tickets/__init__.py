"""The lives of a ticket (ticket.py; its steps are in steps.py, its clocks in clocks.py) and of a mail;
one act for many tickets, open tickets timed anew, and rules tried on past ones."""

from workflows.tickets.batch import TicketBatchWorkflow
from workflows.tickets.mail import InboundMailWorkflow
from workflows.tickets.retiming import RetimingWorkflow
from workflows.tickets.ticket import TicketWorkflow
from workflows.tickets.trials import RuleTrialWorkflow

__all__ = [
    "InboundMailWorkflow", "RetimingWorkflow", "RuleTrialWorkflow", "TicketBatchWorkflow", "TicketWorkflow",
]  # fmt: skip
