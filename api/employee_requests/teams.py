"""What the teams are called in the reader's language."""

from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import locale
from models.staff import Team


async def team_names(desk: DeskAt) -> dict[str, str]:
    """Every team's name by its id."""
    query = desk.visible(Team).with_only_columns(col(Team.id), col(Team.name_ko), col(Team.name_en))
    rows = await desk.session.execute(query)
    return {row[0]: row[1] if locale() == "ko" else row[2] for row in rows}
