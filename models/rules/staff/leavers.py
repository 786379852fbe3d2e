"""Whether the HR system's news make more people leavers than can be true: then somebody has to say so."""

from collections.abc import Iterable, Mapping
from datetime import date

from models.messages.staff import EmployeeStatus
from models.rules.staff.news import PersonNews, in_force

Known = Mapping[str, tuple[EmployeeStatus, date | None]]  # by the HR system's id: status, last day


def leavers(told: Iterable[PersonNews], known: Known, today: date) -> int:
    """How many people have a last day by these news who had none, or a later one."""
    gone = set()
    for one in told:
        status, ends_on = known.get(one.hr_id, (EmployeeStatus.LEFT, None))
        now = in_force(one, today)
        is_sooner = now.ends_on is not None and (ends_on is None or now.ends_on < ends_on)
        if status is not EmployeeStatus.LEFT and is_sooner:
            gone.add(one.hr_id)
    return len(gone)


def may_leave(new: int, before: int, most: int, accepted: int) -> bool:
    """Whether so many more may leave on a day; `most` 0: however many; `accepted`: by an administrator."""
    return not new or not most or before + new <= max(most, accepted)
