"""The tables of the house."""

from alembic import op
from sqlmodel import SQLModel

from models.kit import tables

assert tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    SQLModel.metadata.create_all(op.get_bind())


def downgrade() -> None:
    SQLModel.metadata.drop_all(op.get_bind())
