"""The bank's files, line by line, and its windows. A record has 120 bytes; the trailer counts and sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from models.messages.payments.transfers import BatchKind
from models.rules.calendars import KST, WorkingCalendar, is_working_day

WIDTH = 120
INSTITUTION = "9912345678"
CODES = {BatchKind.REGISTRATION: "EB13", BatchKind.DEBIT: "EB21"}
RESULTS = {BatchKind.REGISTRATION: "EB14", BatchKind.DEBIT: "EB22"}
CUT_OFF = {BatchKind.REGISTRATION: time(12), BatchKind.DEBIT: time(17)}
OK = "0000"
# Banks' result codes after which the account is never debited again.
DEAD_ACCOUNT = frozenset({"bank_0012", "bank_0014", "bank_0017"})


@dataclass(frozen=True)
class Row:
    """One row of a file for the bank."""

    number: int
    bank: str
    account: str
    amount_minor: int
    reference: str


@dataclass(frozen=True)
class Result:
    """What the bank says of one row: "0000" is yes."""

    number: int
    amount_minor: int
    code: str


@dataclass(frozen=True)
class ResultFile:
    """A result as far as it can be read; only a file whose trailer fits is complete."""

    name: str
    results: tuple[Result, ...]
    strange: tuple[int, ...]  # numbers of lines that nobody can read
    is_complete: bool


def file_name(kind: BatchKind, day: date) -> str:
    """The name of a file: one a day, so that a second one of the same name is the same file."""
    return f"{CODES[kind]}{day:%y%m%d}"


def written(kind: BatchKind, day: date, rows: Sequence[Row]) -> bytes:
    """The file as the bank takes it: header, rows, trailer with count and sum (C6)."""
    lines = [f"H00000000{INSTITUTION}{CODES[kind]}{day:%y%m%d}"]
    lines += [
        f"R{row.number:08d}{INSTITUTION}{row.bank:<7.7}{row.account:<16.16}{row.amount_minor:013d}"
        f"{row.reference:<40.40}" for row in rows
    ]  # fmt: skip
    total = sum(row.amount_minor for row in rows)
    lines.append(f"T99999999{INSTITUTION}{len(rows):08d}{total:013d}")
    return "".join(f"{line:<{WIDTH}}\n" for line in lines).encode("ascii")


def read_result(kind: BatchKind, body: bytes) -> ResultFile:
    """Read what can be read: a line that cannot be is noted, never guessed."""
    lines = body.decode("ascii", "replace").splitlines()
    head = lines[0] if lines else ""
    if not head.startswith("H") or head[19:23] != RESULTS[kind]:
        return ResultFile("", (), tuple(range(1, len(lines) + 1)), is_complete=False)
    results: list[Result] = []
    strange: list[int] = []
    has_trailer = False
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("T") and _digits(line[19:27]) and _digits(line[27:40]):
            wanted = (int(line[19:27]), int(line[27:40]))
            has_trailer = wanted == (len(results), sum(one.amount_minor for one in results))
            continue
        row = _result(line)
        if row is None:
            strange.append(number)
        else:
            results.append(row)
    return ResultFile(head[19:29].strip(), tuple(results), tuple(strange), has_trailer and not strange)


def _result(line: str) -> Result | None:
    number, amount, code = line[1:9], line[42:55], line[95:99]
    is_row = line.startswith("R") and len(line.rstrip("\n")) >= 99
    if not is_row or not (_digits(number) and _digits(amount) and _digits(code)):
        return None
    return Result(int(number), int(amount), code)


def _digits(text: str) -> bool:
    return bool(text) and text.isascii() and text.isdigit()


def next_working_day(day: date, calendar: WorkingCalendar) -> date:
    """The first working day after this one."""
    later = day + timedelta(days=1)
    while not is_working_day(later, calendar):
        later += timedelta(days=1)
    return later


def cut_off(kind: BatchKind, day: date, calendar: WorkingCalendar) -> datetime:
    """Until when the bank takes a file made on this day: today 17:00 for the next working day's debits,
    12:00 on the next working day for mandates."""
    last = day if kind is BatchKind.DEBIT else next_working_day(day, calendar)
    return datetime.combine(last, CUT_OFF[kind], KST)


def result_due(kind: BatchKind, day: date, calendar: WorkingCalendar) -> datetime:
    """When the result is there: of debits at 03:00 on the day after them, of mandates on the second working
    day at 14:00."""
    following = next_working_day(day, calendar)
    if kind is BatchKind.REGISTRATION:
        return datetime.combine(next_working_day(following, calendar), time(14), KST)
    return datetime.combine(following + timedelta(days=1), time(3), KST)


def masked(account: str) -> str:
    """An account as screens show it: the last four digits."""
    return f"·· {account[-4:]}"
