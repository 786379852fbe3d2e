"""Which hats somebody wears for one request; items say by them who reads and who writes which answer."""

from api.employee_requests.people import Colleague
from api.employee_requests.reading import Life
from api.kit.people import Person


def hats_of(person: Person, me: Colleague | None, life: Life) -> frozenset[str]:
    """As asker, beneficiary, manager or owner, by role, and by each step in which they act."""
    request, item = life.request, life.item
    hats = {f"role:{role}" for role in person.roles}
    if person.account_id is not None and person.account_id == request.asked_by:
        hats.add("asker")
    if person.team_id is not None and person.team_id == item.owner_team:
        hats.add("owners")
    if me is not None and me.id == request.for_employee_id:
        hats.add("beneficiary")
    if me is not None and life.beneficiary is not None and life.beneficiary.manager_id == me.id:
        hats.add("manager")
    return frozenset(hats | acting(person, me, life))


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
