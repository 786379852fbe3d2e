"""What the sample company has behind it, day after day: invoices are numbered as they are dated."""

from models.kit.engine import engine_for
from ops import books, late


async def live_on(worker_url: str) -> None:
    """Last month's contracts, and two customers who have not paid since. Safe to repeat."""
    engine = engine_for(worker_url, pool_size=2)
    await late.set_policy(engine)
    for _, happen in sorted([*books.contracts(engine), *late.debts(engine)], key=lambda one: one[0]):
        await happen()
    await late.sweep(engine)
    await engine.dispose()
