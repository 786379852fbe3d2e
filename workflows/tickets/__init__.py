"""The life of a ticket, told in ticket.py; the steps that its chapters share are in steps.py."""

from workflows.tickets.ticket import TicketWorkflow

__all__ = ["TicketWorkflow"]
