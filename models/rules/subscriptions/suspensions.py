"""What a suspension does to a contract and its money: free days are neither charged nor used."""

from dataclasses import replace
from datetime import date

from models.messages.subscriptions import MoneyLine, SubscriptionStatus
from models.rules.subscriptions.charges import for_days
from models.rules.subscriptions.periods import Contract, Stretch, moved


def free_from(contract: Contract, on: date, *, charges_while_suspended: bool) -> date | None:
    """The first free day of a suspension; what is billed already stays owed. None: rent goes on."""
    return None if charges_while_suspended else max(on, contract.billed_until)


def resumed(contract: Contract, on: date, since: date | None) -> tuple[tuple[MoneyLine, ...], Contract]:
    """The contract runs again from a day: days that a bill run passed over as free are charged after all,
    and free days move the end of the minimum term as a pause does."""
    kept = tuple(one for one in contract.free if one.from_on != since)
    status = SubscriptionStatus.PAUSED if contract.pause_on(on) else SubscriptionStatus.ACTIVE
    if since is None:
        return (), moved(contract, status=status)
    first = max(on, since)
    awake = replace(contract, free=kept)
    lines = for_days(awake, Stretch(first, contract.billed_until))
    end, days = contract.obligation_until, Stretch(since, first).days
    if end is not None and end > since:
        end = date.fromordinal(end.toordinal() + days)
    past = (Stretch(since, first),) if days else ()
    return lines, moved(contract, free=(*kept, *past), obligation_until=end, status=status)
