"""The life of a ticket, told in ticket.py; its steps are in steps.py."""
