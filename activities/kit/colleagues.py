"""How a colleague is written to: at the address they sign in with, while they may see what it is about."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.letters import LOCALES
from models.messages.letters import Letter
from models.messages.systems import System
from models.staff import Account
from models.tickets import Ticket

Ways = tuple[tuple[System, str], ...]


async def ways_to_colleague(session: AsyncSession, letter: Letter, ticket: Ticket | None) -> tuple[Ways, str]:
    """Their mail address; none once they have left or the ticket is another team's secret."""
    account = await session.get(Account, letter.account_id)
    if account is None or not account.is_active or "@" not in account.login:
        return (), "ko"
    if ticket is not None and ticket.is_confidential and ticket.team_id != account.team_id:
        return (), "ko"
    return (
        ((System.MAIL, account.login),), account.locale if account.locale in LOCALES else "ko"
    )  # fmt: skip
