"""Who may see and who may write which answer (C6). Everybody wears hats; a field names those that it is for.

Hats: `asker`, `beneficiary`, `manager` (of the beneficiary), `owners` (the item's owner team), `role:<role>`,
`ticket` (whoever works on the customer's ticket that handed it over), and the id of each step in which
somebody acts: its approvers, its task's team. Page, API and export ask here.
"""

from collections.abc import Mapping
from typing import Any

from models.messages.employee_requests.items import Field, Item
from models.messages.staff import Role
from models.rules.employee_requests.walking import walk

TICKET = "ticket"
PERSONS = ("asker", "beneficiary", "manager", "owners", TICKET)
HATS = frozenset((*PERSONS, *(f"role:{role}" for role in Role)))


def may_read(field: Field, hats: frozenset[str]) -> bool:
    """Whether somebody with these hats sees the answer, once they see the request at all."""
    return not field.readers or bool(hats & {*field.readers, *field.writers})


def may_write(field: Field, hats: frozenset[str], *, fills_in: bool) -> bool:
    """Whether they may answer; without named writers whoever fills in the form that it stands in."""
    return bool(hats & set(field.writers)) if field.writers else fills_in


def fields_of(item: Item) -> tuple[Field, ...]:
    """The questions of the item's own form and of all later ones."""
    later = (placed.step.form.fields for placed in walk(item) if placed.step.form)
    return (*item.form, *(one for fields in later for one in fields))


def told_to_ticket(item: Item) -> tuple[Field, ...]:
    """The questions whose answers stand on the ticket that handed the request over."""
    return tuple(one for one in fields_of(item) if TICKET in one.readers)


def readable(fields: tuple[Field, ...], answers: Mapping[str, Any], hats: frozenset[str]) -> dict[str, Any]:
    """The answers that they may see; what no field asks is seen by nobody."""
    seen = {one.id for one in fields if may_read(one, hats)}
    return {name: value for name, value in answers.items() if name in seen}


def writable(fields: tuple[Field, ...], hats: frozenset[str], *, fills_in: bool) -> frozenset[str]:
    """The ids of the fields that they may answer."""
    return frozenset(one.id for one in fields if may_write(one, hats, fills_in=fills_in))
