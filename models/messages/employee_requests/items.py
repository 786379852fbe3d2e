"""A catalogue item as data, version 1 of the format: what may be asked, by whom, and how it is carried out.

One item is one YAML file (`models/kit/item_files.py` reads and writes it) and, as this dataclass, the whole
definition that one workflow interprets. Every text in a field named `when`, `over`, `until`, `amount`,
`audience`, `visible_when`, or a value of `parameters`, `answers`, `values`, is CEL, evaluated by
`models/kit/expressions.py` only: in activities and pages, never in a workflow. Texts: `{"ko": …, "en": …}`.

Variables of an expression:

- `me`      who the request is for: the attributes named in `PERSON`; days are timestamps at midnight UTC
- `asker`   who asked, with the same attributes
- `form`    the answers by field id: text, long_text, choice: string · number, money (minor units): int ·
            date: timestamp · yes_no: bool · person: the employee's id · file: list of file ids. Not answered
            is "", 0, false, [], or null for a day. What `known_from` knows stands here too
- `item`    key, version, category, owner_team
- `steps`   `steps.<id>.result` and `steps.<id>.status` of steps already over, see `RESULTS`; a skipped step's
            result holds such empty values
- `today`   midnight UTC of today's day in Seoul, a timestamp; `me.starts_on + days(30)` adds days
- `each`    within `each`: the element of the list
- `ticket`  within `from_ticket` alone: what is known of the customer's case, see `TICKET`

`path` of a step is its place: `2` the third step; `2.0.1` the second step in the first case, lane or round
(of `each`) of the third step; a branch's `otherwise` counts as its last case, a wait's as its only one.
`models/rules/employee_requests/walking.py` walks it, `variables.py` beside it gives the variables.
"""

from dataclasses import dataclass, field
from enum import StrEnum

FORMAT = 1
Texts = dict[str, str]  # by language
LANGUAGES = ("ko", "en")

# What the HR system tells of a person and an expression may read; "date" is a timestamp, "text" a string.
PERSON = {
    "id": "text", "name": "text", "email": "text", "department": "text", "title": "text", "site": "text",
    "cost_centre": "text", "manager_id": "text", "starts_on": "date", "ends_on": "date", "status": "text",
}  # fmt: skip

# The event that a visit which the request asked for has ended; `steps.<id>.result.outcome` of the call says
# how: "done", or "not_done".
VISIT_ENDED = "visit_ended"

# What an agent need not type again when a case is handed over: of the ticket, its customer and their device.
TICKET = {
    "id": "text", "subject": "text", "description": "text", "customer": "text", "product": "text",
    "serial": "text", "bought_on": "date", "warranty_until": "date", "reported_on": "date",
}  # fmt: skip

MOST_STEPS, DEEPEST, LONGEST_CEL, MOST_IN_LIST, LONGEST_FILE = 200, 8, 2_000, 500, 200_000


class Category(StrEnum):
    """The department whose shelf an item stands on."""

    HR = "hr"
    IT = "it"
    FINANCE = "finance"
    LEGAL = "legal"
    WORKPLACE = "workplace"
    PURCHASING = "purchasing"


class Trigger(StrEnum):
    """Which fact of the HR system asks for the item by itself; most are only asked for by people."""

    NONE = ""
    JOINER = "joiner"
    MOVER = "mover"
    LEAVER = "leaver"


class FieldKind(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"  # whole
    MONEY = "money"  # minor units
    DATE = "date"
    CHOICE = "choice"
    PERSON = "person"  # an employee's id
    FILE = "file"
    YES_NO = "yes_no"


class StepKind(StrEnum):
    FORM = "form"
    APPROVAL = "approval"
    TASK = "task"
    CALL = "call"
    WAIT = "wait"
    BRANCH = "branch"
    PARALLEL = "parallel"
    EACH = "each"
    MESSAGE = "message"
    REQUEST = "request"
    END = "end"  # ends the whole request here, done or rejected


# What `steps.<id>.result` holds once a step of the kind is over; branch, parallel, message hold nothing.
RESULTS: dict[StepKind, tuple[str, ...]] = {
    StepKind.FORM: (),  # the answers by field id
    StepKind.APPROVAL: ("approved", "comment"),
    StepKind.TASK: ("done",),
    StepKind.CALL: (),  # the operation's own results, `Operation.results`
    StepKind.WAIT: ("arrived",),  # false when `at_most_days` passed first
    StepKind.EACH: ("count",),
    StepKind.REQUEST: ("status", "request_id"),  # status: done, rejected, cancelled, failed
}


class ApproverKind(StrEnum):
    MANAGER = "manager"
    MANAGER_OF_MANAGER = "manager_of_manager"
    ROLE = "role"  # `who` is a Role
    TEAM = "team"  # `who` is a team's id: anybody of it
    PERSON = "person"  # `who` is an employee's id, or `from_field` a person field
    COST_OWNER = "cost_owner"  # who answers for the beneficiary's cost centre


class ApprovalRule(StrEnum):
    ANY = "any"
    ALL = "all"
    N_OF = "n_of"


class BudgetOf(StrEnum):
    """Who shares a budget; everybody of the same one spends from it."""

    REQUEST = "request"  # each request has its own
    PERSON = "person"
    DEPARTMENT = "department"
    COST_CENTRE = "cost_centre"


class BudgetPeriod(StrEnum):
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"


class Hands(StrEnum):
    """Who fills in a later form or gets a message."""

    ASKER = "asker"
    BENEFICIARY = "beneficiary"
    MANAGER = "manager"  # of the beneficiary
    TEAM = "team"


class Moment(StrEnum):
    """When an item's own messages are sent to asker and beneficiary."""

    ASKED = "asked"
    DONE = "done"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    DONE = "done"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Choice:
    """One answer to choose."""

    value: str
    labels: Texts


@dataclass(frozen=True)
class Field:
    """One question. `readers` and `writers` (C6) hold hats: `rules/employee_requests/rights.py`."""

    id: str
    kind: FieldKind
    labels: Texts
    help: Texts = field(default_factory=dict)
    is_required: bool = True
    choices: tuple[Choice, ...] = ()
    visible_when: str = ""  # CEL, may name fields above it; not visible: not asked, and empty
    known_from: str = ""  # an attribute of PERSON of the beneficiary: not asked when it is known
    at_most: int = 0  # characters, amount or number; 0: the kind's own limit
    readers: tuple[str, ...] = ()  # empty: everybody who may see the request
    writers: tuple[str, ...] = ()  # empty: who fills in the form that it stands in


@dataclass(frozen=True)
class Approver:
    """Who is asked; chosen in an activity, from the people of that day."""

    kind: ApproverKind
    who: str = ""
    from_field: str = ""  # of kind person: the id of the person field that names them
    up_to_minor: int = 0  # decides alone up to this amount, above it the next one is asked too; 0: any


@dataclass(frozen=True)
class Approval:
    """Who decides. A rejection ends the request (and undoes it) unless `is_final` is false."""

    approvers: tuple[Approver, ...]
    rule: ApprovalRule = ApprovalRule.ALL
    n: int = 0  # of n_of
    is_ordered: bool = False  # one after the other
    amount: str = ""  # CEL, minor units: compared with `up_to_minor` and `second_factor_above_minor`
    remind_after_hours: int = 8  # business time, again and again
    escalate_after_hours: int = 24  # then the approver's manager is asked as well; 0: never
    policies: Texts = field(default_factory=dict)  # the rule by which it is decided, shown to the approver
    budget: str = ""  # CEL, minor units: what there is for it; shown beside the amount
    budget_of: BudgetOf = BudgetOf.REQUEST  # whose it is: what this step approved for them before is spent
    budget_period: BudgetPeriod = BudgetPeriod.YEAR  # of the calendar, unless it is each request's own
    second_factor_above_minor: int = -1  # a link alone does not decide above this; -1: it always does
    is_final: bool = True


@dataclass(frozen=True)
class Task:
    """What a team does by hand."""

    team: str
    titles: Texts
    checklist: tuple[Texts, ...] = ()
    due_hours: int = 8  # business time


@dataclass(frozen=True)
class Call:
    """One operation of a connector, with the operation that takes it back."""

    connector: str
    operation: str
    parameters: dict[str, str] = field(default_factory=dict)  # name: CEL
    undo: str = ""  # an operation of the same connector; gets the same parameters and the call's result


@dataclass(frozen=True)
class Wait:
    """Until a day or an event, at most so many days; then `otherwise` is done and the request goes on."""

    until: str = ""  # CEL, a timestamp
    event: str = ""  # a name; told by `event_arrived`
    of: str = ""  # of the event that a visit has ended: the call that asked for it; may be left out for one
    at_most_days: int = 0  # of an event
    otherwise: tuple["Step", ...] = ()


@dataclass(frozen=True)
class Case:
    """One way; the first whose condition holds is taken."""

    when: str
    steps: tuple["Step", ...]


@dataclass(frozen=True)
class Lane:
    """What happens beside the other lanes."""

    names: Texts
    steps: tuple["Step", ...]


@dataclass(frozen=True)
class Form:
    """Questions that somebody answers later."""

    by: Hands
    fields: tuple[Field, ...]
    team: str = ""  # of hands team
    due_hours: int = 16


@dataclass(frozen=True)
class Message:
    """A letter; `{name}` in its texts is the value of that name."""

    to: Hands
    subjects: Texts
    bodies: Texts
    team: str = ""
    values: dict[str, str] = field(default_factory=dict)  # name: CEL


@dataclass(frozen=True)
class Child:
    """Another item, asked for the same person; waited for unless `is_awaited` is false."""

    item: str
    answers: dict[str, str] = field(default_factory=dict)  # field id: CEL
    is_awaited: bool = True


@dataclass(frozen=True)
class Step:
    """One stage; exactly the part that its kind names is there. YAML has the part's fields beside `id`."""

    id: str
    kind: StepKind
    names: Texts  # as the stage is called on the status page
    when: str = ""  # CEL; empty: always. Not true: skipped
    form: Form | None = None
    approval: Approval | None = None
    task: Task | None = None
    call: Call | None = None
    wait: Wait | None = None
    cases: tuple[Case, ...] = ()  # of branch
    otherwise: tuple["Step", ...] = ()  # of branch: when no case holds
    lanes: tuple[Lane, ...] = ()  # of parallel
    over: str = ""  # of each: CEL, a list; its rounds are one after the other
    steps: tuple["Step", ...] = ()  # of each
    message: Message | None = None
    request: Child | None = None
    outcome: Outcome = Outcome.DONE  # of end


@dataclass(frozen=True)
class Notice:
    """What asker and beneficiary are told at a moment of the request."""

    moment: Moment
    subjects: Texts
    bodies: Texts
    values: dict[str, str] = field(default_factory=dict)  # name: CEL


@dataclass(frozen=True)
class Item:
    """Everything about one thing that employees ask for; `version` is given by the house, not by the file."""

    key: str
    names: Texts
    descriptions: Texts
    category: Category
    icon: str
    owner_team: str
    steps: tuple[Step, ...]
    version: int = 0
    form: tuple[Field, ...] = ()
    audience: str = ""  # CEL on `me`; empty: every employee
    trigger: Trigger = Trigger.NONE
    is_for_others: bool = True  # may be asked for somebody else
    is_confidential: bool = False  # seen only by whom `request_readers` names
    sla_hours: int = 0  # business time until it is done; 0: no promise
    promised_percent: int = 80  # share of requests that keep it, as the catalogue shows it
    messages: tuple[Notice, ...] = ()
    knowledge: tuple[str, ...] = ()  # articles
    # Not empty: an agent may ask for it out of a customer's ticket. Field id: CEL on `ticket`, the answer
    # that the form begins with. The ticket's page shows the stages, and answers whose readers name `ticket`.
    from_ticket: dict[str, str] = field(default_factory=dict)
