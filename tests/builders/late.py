"""Who pays the small company late: a policy, and an overdue case of both customers with what hangs on it."""

from datetime import datetime, timedelta

from sqlmodel import SQLModel

from models.dunning import DunningCase, DunningHold, DunningPolicy, DunningStep, PromiseToPay, WriteOff
from models.journeys import OpenWait
from models.kit.records import to_record
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.catalogue import VersionStatus
from models.messages.dunning import HoldKind, PolicyStep, PolicyTerms, StepKind, StepStatus
from models.messages.journeys import WaitFor
from models.subscriptions import SubscriptionSuspension

TERMS = PolicyTerms((PolicyStep(1, StepKind.NOTIFY, letter="reminder"), PolicyStep(9, StepKind.SUSPEND)))


def policies(word: str, now: datetime) -> list[SQLModel]:
    """A published version and a draft."""
    return [
        DunningPolicy(
            version=1, status=VersionStatus.PUBLISHED, terms=to_record(TERMS), effective_from=now.date(),
            author_id="a_admin", reviewer_id="a_finance", created_at=now, published_at=now,
        ),
        DunningPolicy(
            version=2, terms=to_record(TERMS), effective_from=now.date(), author_id="a_finance",
            created_at=now, note=word,
        ),
    ]  # fmt: skip


def overdue(n: int, customer: str, word: str, now: datetime) -> list[SQLModel]:
    """One open case; its invoice, contract and order are those of the sale of the same number."""
    case, invoice, contract, today = f"D{n}", f"IO{n}-1", f"S{n}-1", now.date()
    return [
        DunningCase(
            id=case, customer_id=customer, policy_version=1, stage="promise", opening_minor=110,
            overdue_minor=110, overdue_since=today - timedelta(days=3), opened_at=now, next_step=1,
            next_kind=StepKind.SUSPEND, next_at=now + timedelta(days=6),
        ),
        DunningStep(
            case_id=case, position=0, kind=StepKind.NOTIFY, status=StepStatus.DONE, due_at=now, at=now,
            overdue_minor=110, reference=word,
        ),
        PromiseToPay(
            id=f"{case}.1", case_id=case, customer_id=customer, amount_minor=110,
            pay_on=today + timedelta(days=3), made_by="a_agent", created_at=now,
        ),
        DunningHold(
            id=f"{case}.2", case_id=case, customer_id=customer, kind=HoldKind.DISPUTE, invoice_id=invoice,
            reason=word, made_by="a_agent", created_at=now,
        ),
        WriteOff(
            invoice_id=invoice, case_id=case, customer_id=customer, amount_minor=110, reason=word, at=now
        ),
        SubscriptionSuspension(
            id=f"{case}:{contract}", subscription_id=contract, customer_id=customer, case_id=case,
            from_on=today, until_on=today, off_at=now, on_at=now,
        ),
        *(
            TimelineEntry(
                key=f"tl{case}{public}", subject=f"dunning:{case}", case_id=case, customer_id=customer,
                at=now, kind=EntryKind.MONEY, actor_kind=ActorKind.SYSTEM, sentence="dunning.held",
                details={"reason": word, "until_on": today.isoformat()}, is_public=public,
            )
            for public in (True, False)
        ),
        OpenWait(
            workflow_id=f"dunning:{case}", key="dunning", subject=f"dunning:{case}", case_id=case,
            customer_id=customer, who=WaitFor.CUSTOMER, what="dunning", since=now, details={"amount": word},
        ),
    ]  # fmt: skip
