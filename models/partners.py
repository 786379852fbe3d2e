"""Service companies that repair in our name. Edited by api/partners.py."""

from sqlmodel import Field, SQLModel

from models.kit import columns


class Partner(SQLModel, table=True):
    """A third-party service company."""

    __tablename__ = "partners"

    id: str = Field(primary_key=True)
    name: str = columns.text()
    phone: str = columns.text(default="")
    is_active: bool = True
