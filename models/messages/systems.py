"""Words about outside systems and the doors between them and us."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from models.messages.sentences import N_


class System(StrEnum):
    PAYMENTS = "payments"
    MAIL = "mail"
    SMS = "sms"
    STOCK = "stock"  # the warehouse of the ERP
    CARRIER = "carrier"
    CREDIT = "credit"  # a credit bureau
    BANK = "bank"  # takes files with debits, tells of deposits
    MARKETING = "marketing"  # the CRM that campaigns run in
    ACCOUNTING = "accounting"  # the books of the ERP
    ALIMTALK = "alimtalk"  # informational messages in KakaoTalk, by approved templates
    TAX = "tax"  # an agency for tax invoices and cash receipts
    SERVICE = "service"  # what switches devices and content on and off
    HR = "hr"  # who works here, under whom, and who is away
    DIRECTORY = "directory"  # accounts and groups of the people who work here, by SCIM 2.0
    OFFICE = "office"  # workplaces, letters, expenses, licences, courses, leave


class OutboxKind(StrEnum):
    START = "start"  # start a workflow
    UPDATE = "update"  # say an update that a person made while Temporal was slow or away
    SIGNAL = "signal"  # tell a workflow a fact


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # the workflow answered with a refusal


class CallResult(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Heard:
    """What came back from one call: a status with its body, or the name of the error that ended it."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = field(default=b"", repr=False)
    error: str = ""


class ParameterKind(StrEnum):
    """What a parameter of an operation is; a person is an employee's id."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"  # integer minor units of the house's currency
    DATE = "date"
    PERSON = "person"
    CHOICE = "choice"
    YES_NO = "yes_no"


@dataclass(frozen=True)
class Parameter:
    """One typed parameter of an operation."""

    name: str
    kind: ParameterKind
    label: str
    is_required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of an outside system by an item of the catalogue.

    `undo` is the operation of the same connector that takes it back. It is given the same parameters and the
    same `reference`, so that it also takes back what was done without our having heard of it."""

    connector: str
    name: str
    label: str
    parameters: tuple[Parameter, ...]
    gives: tuple[str, ...] = ()  # names in the result, all text
    undo: str = ""


@dataclass(frozen=True)
class SystemOrder:
    """One operation asked for: `reference` names the effect for ever, an undo carries that of the deed."""

    connector: str
    operation: str
    reference: str  # made of request and step: the same however often it is asked
    parameters: Mapping[str, str | int | bool]
    case_id: str  # the request it is for, for the call log


_PERSON = Parameter("person", ParameterKind.PERSON, N_("Person"))


def _text(name: str, label: str, is_required: bool = True) -> Parameter:
    return Parameter(name, ParameterKind.TEXT, label, is_required)


_GROUP = (_PERSON, _text("group", N_("Group")))
_ORDER = (
    _PERSON, _text("article", N_("Article")), Parameter("quantity", ParameterKind.NUMBER, N_("Quantity")),
)  # fmt: skip
_PLACE = (_PERSON, _text("site", N_("Site")), Parameter("from_on", ParameterKind.DATE, N_("First day")))
_LETTER = (
    _PERSON,
    Parameter("kind", ParameterKind.CHOICE, N_("Kind"), choices=("employment", "career", "income")),
    _text("purpose", N_("Purpose"), is_required=False),
)
_MONEY = (
    _PERSON, Parameter("amount", ParameterKind.MONEY, N_("Amount")), _text("cost_centre", N_("Cost centre")),
    _text("purpose", N_("Purpose"), is_required=False),
)  # fmt: skip
_LICENCE = (_PERSON, _text("software", N_("Software")))
_COURSE = (_PERSON, _text("course", N_("Course")), Parameter("from_on", ParameterKind.DATE, N_("First day")))
_LEAVE = (
    _PERSON, Parameter("day", ParameterKind.DATE, N_("Day")),
    Parameter("half_days", ParameterKind.NUMBER, N_("Half days given back")),
)  # fmt: skip
_VISIT = (_PERSON, _text("site", N_("Site")), _text("what", N_("What is to be done")))

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "field_service",
        "send_somebody",
        N_("Send a technician to one of our own offices"),
        _VISIT,
        ("ticket", "outcome"),
        "call_off_visit",
    ),
    Operation(
        "holdings",
        "take_back",
        N_("Take back every access that requests have given"),
        (_PERSON,),
        ("count", "things"),
    ),
    Operation("field_service", "call_off_visit", N_("Call the technician's visit off"), _VISIT),
    Operation(
        "directory", "create_account", N_("Create an account"), (_PERSON,), ("account",), "remove_account"
    ),
    Operation("directory", "remove_account", N_("Remove an account"), (_PERSON,)),
    Operation("directory", "lock_account", N_("Lock an account"), (_PERSON,), (), "unlock_account"),
    Operation("directory", "unlock_account", N_("Unlock an account"), (_PERSON,), (), "lock_account"),
    Operation("directory", "join_group", N_("Add to a group"), _GROUP, (), "leave_group"),
    Operation("directory", "leave_group", N_("Take out of a group"), _GROUP, (), "join_group"),
    Operation(
        "equipment", "order", N_("Order equipment from the warehouse"), _ORDER, ("serials",), "take_back"
    ),
    Operation("equipment", "take_back", N_("Take equipment back"), _ORDER),
    Operation("workplace", "book", N_("Book a workplace"), _PLACE, ("place",), "free"),
    Operation("workplace", "free", N_("Free a workplace"), _PLACE),
    Operation("letters", "issue", N_("Issue an HR letter"), _LETTER, ("number",), "withdraw"),
    Operation("letters", "withdraw", N_("Withdraw an HR letter"), _LETTER),
    Operation("expenses", "pay_out", N_("Pay out an expense"), _MONEY, ("payment",), "call_back"),
    Operation("expenses", "call_back", N_("Call back an expense payment"), _MONEY),
    Operation("software", "assign", N_("Assign a software licence"), _LICENCE, ("licence",), "release"),
    Operation("software", "release", N_("Release a software licence"), _LICENCE, (), "assign"),
    Operation("training", "enrol", N_("Enrol in a course"), _COURSE, ("seat",), "withdraw"),
    Operation("training", "withdraw", N_("Withdraw from a course"), _COURSE),
    Operation("leave", "correct", N_("Correct the leave account"), _LEAVE, ("entry",), "correct_back"),
    Operation("leave", "correct_back", N_("Take a leave correction back"), _LEAVE),
)
