"""What the small company promises, and its rules: published, drafted, and what they left on tickets."""

from datetime import date, datetime, timedelta

from sqlmodel import SQLModel

from models.kit.records import to_record
from models.messages.tickets.automation import ActionKind, TrialResult, Trigger, Verdict
from models.messages.tickets.kin import LinkKind
from models.messages.tickets.promises import RetimingWhy, Target
from models.tickets import (
    CalendarDay,
    Retiming,
    RuleAlarm,
    RuleCheck,
    RuleTrial,
    TicketLink,
    TicketPause,
    TicketPromise,
)
from tests.builders.promises import ALWAYS, a_policy, a_rule, a_version, act

DAY = date(2031, 12, 31)


def kept(word: str, now: datetime) -> list[SQLModel]:
    """Policies, rules, a day of our own and what was asked of them."""
    people = {"author_id": "a_admin", "reviewer_id": "a_finance"}
    vip = a_rule("vip", Trigger.OPENED, act(ActionKind.TAG, "vip"), conditions=('customer.tier == "gold"',))
    return [
        a_policy(note=word, created_at=now, published_at=now, **people),
        a_policy(
            version=2, status="draft", author_id="a_admin", reviewer_id=None, published_at=None, note=word,
            created_at=now,
        ),
        a_version(vip, writers=["a_admin"], reviewer_id="a_finance", note=word),
        a_version(
            a_rule("draft", Trigger.MESSAGE), status="draft", writers=["a_admin"], reviewer_id=None,
            published_at=None, note=word,
        ),
        CalendarDay(day=DAY, is_working=False, name="Founding day"),
        Retiming(
            id="ret_one", why=RetimingWhy.CALENDAR, details={"day": DAY.isoformat()}, asked_by="a_admin",
            asked_at=now, total=6, seen=2,
        ),
        RuleTrial(
            id="tri_one", rule_key="vip", version=1, rule_seq=0, asked_by="a_admin", asked_at=now, since=now,
            total=6, result=to_record(TrialResult(2, 1, (1,))),
        ),
    ]  # fmt: skip


def on_ticket(ticket: str, word: str, now: datetime) -> list[SQLModel]:
    """The clocks of one ticket and what rules said about it."""
    said = Verdict("vip", 1, False, 0, 'customer.tier == "gold"', {"customer.tier": word})
    return [
        TicketPromise(
            ticket_id=ticket, target=Target.RESOLVE, round=1, minutes=1440, hours=to_record(ALWAYS),
            pauses=True, policy_version=1, line=word, started_at=now, due_at=now + timedelta(days=1),
        ),
        TicketPause(ticket_id=ticket, since=now + timedelta(hours=1), until=now + timedelta(hours=2)),
        RuleCheck(ticket_id=ticket, step=1, at=now, trigger="opened", verdicts=[to_record(said)]),
        RuleAlarm(ticket_id=ticket, key="near/resolve.1", rule_key="near", due_at=now + timedelta(hours=20)),
    ]  # fmt: skip


def linked(now: datetime) -> list[SQLModel]:
    """What tickets of the company are to each other, seen by whoever sees both ends."""
    said = {"made_by": "a_admin", "made_at": now}
    return [
        TicketLink(from_id="T1", to_id="T4", kind=LinkKind.RELATED, **said),
        TicketLink(from_id="T5", to_id="T6", kind=LinkKind.CHILD, **said),
        TicketLink(from_id="T2", to_id="T1", kind=LinkKind.CAUSED, **said),
    ]
