"""Into whose hands work may be put; whoever cannot take it is refused like somebody who does not exist."""

from sqlmodel import col

from api.kit.desk import DeskAt
from models.field_service import Technician
from models.kit.refusals import Refusal
from models.messages.staff import Role
from models.staff import Account

DESK = frozenset({Role.AGENT, Role.DISPATCHER, Role.ADMIN})


async def crew(desk: DeskAt) -> tuple[tuple[str, str], ...]:
    """The technicians who work here, by name."""
    query = (
        desk.visible(Technician)
        .with_only_columns(col(Technician.id), col(Technician.name))
        .where(col(Technician.is_active))
        .order_by(col(Technician.name))
        .limit(200)
    )
    return tuple((line[0], line[1]) for line in await desk.session.execute(query))


async def colleague(desk: DeskAt, account_id: str | None) -> None:
    """Somebody of the desk who works here."""
    if account_id is not None:
        account = await desk.one(Account, account_id)
        if not account.is_active or not DESK & set(account.roles):
            raise Refusal("not_found")


async def working(desk: DeskAt, technician_id: str | None) -> None:
    """A technician who works here."""
    if technician_id is not None:
        technician = await desk.one(Technician, technician_id)
        if not technician.is_active:
            raise Refusal("not_found")
