"""Money that came by bank file, asked as a gateway is asked: our rows are what the bank has said."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.transactions import transaction
from models.messages.payments import Charge, ChargeAnswer, GiveBack, Verdict

SAID = """
select provider_id, amount_minor, status from payment_attempts where id = :id and status <> 'created'
"""
VERDICTS = {"succeeded": Verdict.SUCCEEDED, "cancelled": Verdict.SUCCEEDED, "refused": Verdict.REFUSED}


@dataclass(frozen=True)
class BankFiles:
    """Nothing is asked here and nothing given back: files do the one, a transfer by hand the other."""

    engine: AsyncEngine

    async def confirm(self, charge: Charge) -> ChargeAnswer:
        """Only a file moves money."""
        return ChargeAnswer(Verdict.NOT_SENT, code="by_file")

    async def look_up(self, charge: Charge) -> ChargeAnswer:
        """What the bank's result said of this attempt."""
        async with transaction(self.engine) as session:
            row = (await session.execute(text(SAID), {"id": charge.attempt_id})).first()
        if row is None or row.status not in VERDICTS:
            return ChargeAnswer(Verdict.UNKNOWN, code="by_file")
        return ChargeAnswer(VERDICTS[row.status], row.provider_id, "DONE", row.amount_minor)

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        """A person transfers it back, and says so."""
        return ChargeAnswer(Verdict.REFUSED, code="by_transfer")

    async def look_up_refund(self, asked: GiveBack) -> ChargeAnswer:
        """Nobody but a person knows."""
        return ChargeAnswer(Verdict.NOT_FOUND, code="by_transfer")
