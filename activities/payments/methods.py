"""Payment methods: exchanged for a billing key that lies sealed in the table, and taken back."""

from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.connectors.billing_keys import BillingKeys
from activities.kit.sealing import Seals
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.payments.providers import Providers
from models.kit.timeline import EntryKind
from models.messages.payments import (
    MethodAuthorised,
    MethodChange,
    MethodKind,
    MethodStatus,
    Verdict,
    method_workflow_id,
)
from models.payments import PaymentMethod


@dataclass
class MethodActivities:
    """Everything that gets, uses up and gives back billing keys; they never leave towards Temporal."""

    engine: AsyncEngine
    keys: BillingKeys
    seals: Seals
    others: Providers = field(default_factory=dict)  # beside the gateway, by their names

    def _of(self, method: PaymentMethod) -> BillingKeys:
        """Whoever keeps this card."""
        other = self.others.get(method.provider)
        return other.keys if other else self.keys

    @activity.defn(name="payments.keep_method")
    async def keep_method(self, asked: MethodAuthorised) -> str:
        """Exchange the form's answer for a billing key and store it sealed; the code of a refusal, or "".

        Safe to repeat: a key that is there is kept, and the gateway gives the same one under the same key."""
        async with transaction(self.engine) as session:
            method = await session.get_one(PaymentMethod, asked.method_id)
            if method.billing_key:
                return ""
        answer = await self._of(method).issue(asked.auth_key, method.customer_key, key=method.id)
        if answer.verdict is Verdict.REFUSED:
            return answer.code
        if answer.verdict is not Verdict.SUCCEEDED:
            raise ApplicationError(f"the gateway gave no clear answer: {answer.code}", type="key_unclear")
        async with transaction(self.engine) as session:
            method = await session.get_one(PaymentMethod, asked.method_id)
            method.billing_key = self.seals.seal(answer.billing_key, method.id)
            method.label = answer.label
        return ""

    @activity.defn(name="payments.drop_method")
    async def drop_method(self, method_id: str) -> None:
        """Make the billing key worthless at the gateway, then forget it. Safe to repeat: it stays gone."""
        async with transaction(self.engine) as session:
            method = await session.get_one(PaymentMethod, method_id)
        if not method.billing_key:
            return
        if method.kind is MethodKind.ACCOUNT:  # no file debits it any more, and its number is forgotten
            async with transaction(self.engine) as session:
                (await session.get_one(PaymentMethod, method_id)).billing_key = ""
            return
        verdict = await self._of(method).revoke(
            self.seals.open(method.billing_key, method.id), key=f"{method.id}:revoke"
        )
        if verdict is not Verdict.SUCCEEDED:
            raise ApplicationError("the gateway did not take the key back", type="key_unclear")
        async with transaction(self.engine) as session:
            (await session.get_one(PaymentMethod, method_id)).billing_key = ""

    @activity.defn(name="payments.record_method")
    async def record_method(self, change: MethodChange) -> MethodStatus:
        """Write one step: row, timeline, waits; answer what holds now.

        Safe to repeat: an older `seq` changes nothing, and a revoked method stays revoked."""
        async with transaction(self.engine) as session:
            query = select(PaymentMethod).where(col(PaymentMethod.id) == change.method_id).with_for_update()
            method = (await session.scalars(query)).one()
            if change.seq > method.seq:
                method.seq = change.seq
                if method.status is not MethodStatus.REVOKED:
                    method.status = change.status
                method.is_default = await _is_default(session, method, change)
                if method.status is MethodStatus.REVOKED:
                    method.revoked_at = method.revoked_at or change.at
                await write_waits(session, method_workflow_id(method.id), change.waits)
            subject = method_workflow_id(method.id)
            await write_entry(
                session, key=f"{subject}:{change.seq}", subject=subject, ticket_id=None, at=change.at,
                sentence=change.sentence, kind=EntryKind.MONEY, details={"code": change.code},
                actor_kind=change.actor_kind, actor_id=change.actor_id, customer_id=method.customer_id,
            )  # fmt: skip
            await tell_live(session, f"customer:{method.customer_id}")
            return method.status


async def _is_default(session: AsyncSession, method: PaymentMethod, change: MethodChange) -> bool:
    """Whether it is the customer's usual one now: asked for, or the first that works; one at most."""
    others = (
        col(PaymentMethod.customer_id) == method.customer_id,
        col(PaymentMethod.id) != method.id,
        col(PaymentMethod.is_default),
        col(PaymentMethod.status) == MethodStatus.ACTIVE,
    )
    if method.status is not MethodStatus.ACTIVE:
        return False
    if change.is_default:
        await session.execute(update(PaymentMethod).where(*others).values(is_default=False))
        return True
    if method.is_default:
        return True
    return (await session.execute(select(PaymentMethod.id).where(*others))).first() is None  # type: ignore[call-overload]
