"""The life of a ticket, told in ticket.py (its steps are in steps.py), and of a mail, told in mail.py."""

from workflows.tickets.mail import InboundMailWorkflow
from workflows.tickets.ticket import TicketWorkflow

__all__ = ["InboundMailWorkflow", "TicketWorkflow"]
