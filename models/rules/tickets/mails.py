"""Where a mail belongs, how sure that is, whether a machine wrote it, and who may be answered."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.messages.tickets.mails import Mark

HELD_FOR_DAYS = 30  # then a quarantined mail is ignored
MOST_PER_HOUR = 60  # mails of one sender; more are held back
ANSWERS_PER_DAY = 3  # confirmations to one address
ANSWERS_PER_HOUR = 300  # confirmations to addresses that nobody has proved, all together
NUMBER = re.compile(r"(?<![A-Za-z0-9])T[1-9][0-9]{5,11}(?![A-Za-z0-9])", re.I)
NOBODY = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|noreply\S*|bounces?\S*)@", re.I)
WORD = re.compile(r"[^a-z-]")  # a comment or a parameter may follow the word
LISTS = frozenset({"bulk", "junk", "list"})


class Written(StrEnum):
    """Who or what wrote a mail."""

    PERSON = "person"
    ANSWERING_MACHINE = "answering_machine"  # out of office, "we have received…"
    MACHINE = "machine"  # a monitor, a printer: nobody waits for an answer, somebody may have to act
    LIST = "list"
    REPORT = "report"  # about the delivery of another mail


def written_by(machine: Mapping[str, str], is_report: bool, sender: str, has_no_return: bool) -> Written:
    """Who wrote it, by what the headers admit (RFC 3834, RFC 2076, and what programs do)."""
    auto = WORD.split(machine.get("auto_submitted", "no").strip().lower())[0]
    precedence = machine.get("precedence", "").strip().lower()
    if is_report:
        return Written.REPORT
    if auto == "auto-replied" or precedence == "auto_reply" or machine.keys() & {
        "autoreply", "autorespond", "vacation"
    }:  # fmt: skip
        return Written.ANSWERING_MACHINE
    if precedence in LISTS or machine.keys() & {"list_id", "unsubscribe", "feedback"}:
        return Written.LIST
    if auto not in ("no", "") or has_no_return or NOBODY.match(sender):
        return Written.MACHINE
    return Written.PERSON


def may_be_answered(written: Written, machine: Mapping[str, str], sender: str) -> bool:
    """Whether a confirmation may go to this sender at all; how many, the counts say."""
    asks_for_none = machine.get("suppress", "").lower().strip() not in ("", "none")
    return written is Written.PERSON and bool(sender) and not asks_for_none and not NOBODY.match(sender)


def has_failed(is_report: bool, actions: Iterable[str]) -> bool:
    """Whether a report says that a mail did not arrive; one that is only late did not fail."""
    said = set(actions)
    return not is_report or not said or "failed" in said


def number_in(subject: str) -> str:
    """The first ticket number that a subject names, which proves nothing."""
    found = NUMBER.search(subject)
    return found[0].upper() if found else ""


def is_vouched_for(results: Iterable[str], by: str, sender: str) -> bool:
    """Whether the server that we trust says that the sender's domain vouches for this mail (DMARC passed).

    Only the topmost line counts: whatever stands below may have come with the mail."""
    newest = next(iter(results), "")
    if not by or newest.partition(";")[0].strip().split(" ")[0].lower() != by.lower():
        return False
    domain = re.escape(sender.partition("@")[2])
    passed = re.search(rf"\bdmarc=pass\b[^;]*\bheader\.from={domain}(?:[\s;]|$)", newest, re.I)
    return bool(domain and passed)


@dataclass(frozen=True)
class Claims:
    """What speaks for a ticket: its own address, a letter of ours that is answered, a number named."""

    signed: str = ""  # ticket whose keyed address the mail came to
    answered: str = ""  # ticket of the letter whose Message-ID it names
    named: str = ""  # ticket whose number stands in the subject
    is_participant: bool = False  # of the signed or answered ticket, as far as the address says
    is_vouched: bool = False  # the sender's domain vouches for the address
    is_over: bool = False  # the signed or answered ticket


@dataclass(frozen=True)
class Place:
    """Where a mail goes: to a ticket, or to a new one with a hint at another."""

    ticket_id: str = ""  # empty: a new ticket
    mark: Mark = Mark.UNPROVED
    reason: str = "new_ticket"
    hint: str = ""  # the other ticket
    is_follow_up: bool = False


def place(claims: Claims) -> Place:
    """The one table of trust. Only the ticket's keyed address adds without a mark, and only for a
    participant; an old Message-ID, a number or a name in From never does."""
    proof = Mark.PROVED if claims.is_vouched else Mark.UNPROVED
    if claims.is_over and (claims.signed or claims.answered):
        return Place(mark=proof, hint=claims.signed or claims.answered, is_follow_up=bool(claims.signed))
    if claims.signed:
        mark = Mark.PROVED if claims.is_participant else Mark.STRANGER
        return Place(claims.signed, mark, "signed_address")
    if claims.answered and claims.is_participant:
        reason = "vouched_reference" if claims.is_vouched else "bare_reference"
        return Place(claims.answered, proof, reason)
    return Place(mark=proof, hint=claims.answered or claims.named)


def without_quote(text: str) -> str:
    """What was newly written: a quoted letter at the end, with the line that announces it, is left out."""
    lines = text.rstrip().split("\n")
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    if end == len(lines) or not any(line.lstrip().startswith(">") for line in lines[end:]):
        return text
    announced = end
    while announced and end - announced < 3:
        announced -= 1
        if not lines[announced].strip():
            break
        if ANNOUNCED.search(" ".join(lines[announced:end])):
            end = announced
            break
    kept = "\n".join(lines[:end]).rstrip()
    return kept or text


ANNOUNCED = re.compile(
    r"(?:^On\b.{5,300}\bwrote:$|^\S.{5,300}\bschrieb:$|^.{5,300}(?:작성|님이 쓴 글)\s*:?$"
    r"|^-{2,}\s*(?:Original Message|원본 메일)\s*-{2,})",
    re.I | re.S,
)
