"""Runs the migrations as the owner of the schema (DATABASE_OWNER_URL)."""

import os

from alembic import context
from sqlalchemy import create_engine, pool
from sqlmodel import SQLModel

from models.kit import tables

assert tables

URL = context.config.get_main_option("sqlalchemy.url") or os.environ["DATABASE_OWNER_URL"]


def run() -> None:
    """Migrate in one transaction."""
    engine = create_engine(URL.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
