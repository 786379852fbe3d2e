"""Readable ids: a letter for the kind, a number for people, a suffix for the n-th of something."""

import hashlib
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def fresh(prefix: str) -> str:
    """A random id of 80 bits that says what it is, like `acc_7k2m…`."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def ticket_id(number: int) -> str:
    """`T100123`; the number comes from the database sequence `ticket_numbers`."""
    return f"T{number}"


def visit_id(ticket: str, ordinal: int) -> str:
    """The n-th visit of a ticket: `V100123-1`."""
    return f"V{ticket[1:]}-{ordinal}"


def invoice_id(ticket: str, ordinal: int = 1) -> str:
    """The n-th invoice of a ticket: `I100123-1`."""
    return f"I{ticket[1:]}-{ordinal}"


def case_invoice_id(case: str, ordinal: int = 1) -> str:
    """The n-th invoice of an order or a change: `IO100001-1`; it can be no ticket's."""
    return f"I{case}-{ordinal}"


def order_id(number: int) -> str:
    """`O100001`; the number comes from the database sequence `order_numbers`."""
    return f"O{number}"


def shipment_id(order: str, ordinal: int) -> str:
    """The n-th parcel of an order: `O100001-1`."""
    return f"{order}-{ordinal}"


def subscription_id(order: str, position: int) -> str:
    """The contract of an order's line: `S100001-2`."""
    return f"S{order[1:]}-{position}"


def change_id(number: int) -> str:
    """`C100001`; the number comes from the database sequence `change_numbers`."""
    return f"C{number}"


def attempt_id(invoice: str, ordinal: int) -> str:
    """The n-th try to collect an invoice: `I100123-1.2`; also the idempotency key at the gateway."""
    return f"{invoice}.{ordinal}"


def return_id(number: int) -> str:
    """`R100001`; the number comes from the database sequence `return_numbers`."""
    return f"R{number}"


def return_parcel(return_: str) -> str:
    """The parcel in which a return's goods come back: `R100001-1`."""
    return f"{return_}-1"


def employee_request_id() -> str:
    """`E7k2m…`: by chance, so that no number tells how much is asked; only these begin with E."""
    return fresh("E").replace("_", "")


def child_request_id(request: str, path: str) -> str:
    """The request that a step of a request asks for: the same however often it is asked."""
    return "E" + hashlib.sha256(f"{request}.{path}".encode()).hexdigest()[:16]
