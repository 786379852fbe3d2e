"""Which hats somebody wears for one request; items say by them who reads and who writes which answer."""

from api.employee_requests.people import Colleague
from api.employee_requests.reading import Life
from api.employee_requests.shelf import said
from api.kit.people import Person
from models.messages.employee_requests.items import Hands, Item, Step
from models.messages.employee_requests.requests import StepStatus
from models.rules.employee_requests.rights import TICKET
from models.rules.employee_requests.walking import step_at


def hats_of(person: Person, me: Colleague | None, life: Life) -> frozenset[str]:
    """As asker, beneficiary, manager or owner, by role, and by each step in which they act."""
    request, item = life.request, life.item
    hats = {f"role:{role}" for role in person.roles}
    if person.account_id is not None and person.account_id == request.asked_by:
        hats.add("asker")
        hats |= {TICKET} if request.ticket_id else set()
    if person.team_id is not None and person.team_id == item.owner_team:
        hats.add("owners")
    if me is not None and me.id == request.for_employee_id:
        hats.add("beneficiary")
    if me is not None and life.beneficiary is not None and life.beneficiary.manager_id == me.id:
        hats.add("manager")
    return frozenset(hats | acting(person, me, life))


def hats_when_asking(person: Person, me: Colleague, whom: Colleague, item: Item) -> frozenset[str]:
    """Before there is a request: what whoever fills in its first form will be."""
    hats = {"asker", *(f"role:{role}" for role in person.roles)}
    if person.team_id is not None and person.team_id == item.owner_team:
        hats.add("owners")
    if whom.id == me.id:
        hats.add("beneficiary")
    if whom.manager_id is not None and whom.manager_id == me.id:
        hats.add("manager")
    return frozenset(hats)


def acting(person: Person, me: Colleague | None, life: Life) -> set[str]:
    """The ids of the steps in which they decide or work."""
    ids = {path: row.step_id for path, row in life.rows.steps.items()}
    paths = {
        one.path for many in life.rows.approvals.values() for one in many
        if (me is not None and one.approver_employee_id == me.id)
        or (one.team_id is not None and one.team_id == person.team_id)
    } | {
        one.path for many in life.rows.tasks.values() for one in many
        if person.team_id is not None and one.team_id == person.team_id
    }  # fmt: skip
    return {ids[path] for path in paths if path in ids}


def is_in_my_hands(person: Person, me: Colleague | None, life: Life, step: Step) -> bool:
    """Whether I am whom the item asks to fill the form in."""
    if step.form is None:
        return False
    if step.form.by is Hands.ASKER:
        return life.request.asked_by == person.account_id
    if step.form.by is Hands.TEAM:
        return person.team_id is not None and person.team_id == step.form.team
    if me is None:
        return False
    if step.form.by is Hands.MANAGER:
        return life.beneficiary is not None and life.beneficiary.manager_id == me.id
    return life.request.for_employee_id == me.id


def forms_for(person: Person, me: Colleague | None, life: Life) -> tuple[tuple[str, str], ...]:
    """The forms that wait for me: name and address."""
    found = []
    for path, row in life.rows.steps.items():
        step = step_at(life.item, path)
        is_open = row.status is StepStatus.ACTIVE and step is not None and step.form is not None
        if step is not None and is_open and is_in_my_hands(person, me, life, step):
            found.append((said(step.names), f"/employee-requests/{life.request.id}/forms/{path}"))
    return tuple(found)
